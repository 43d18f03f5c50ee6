"""What a run's figures and maps are held against: a model that knows no anatomy, and maps of validation films.

What the model says is kept as predictions are. `reference.safetensors` holds, float16, by member and method what
`cxrkd.explain.Reference` names; of the teacher only what strong evidence is. Methods that are one map on a network are
stored once. About 0.5 MB for 14 labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, relist, seal
from cxrkd.config import READERS, DataConfig, Member
from cxrkd.errors import DataError, RunError
from cxrkd.jobs.files import cannot_write
from cxrkd.progress import Progress
from cxrkd.runs.predictions import KEPT_SPLITS, TRIVIAL, kept_rows, write_logits

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort
    from cxrkd.explain.yardsticks import Reference
    from cxrkd.runs.run import Run

FILE = "reference.safetensors"
FORMAT = "1"
_STRONG, _MAPS = "strong", ("other_films", "label_means")
_SAME = 1e-3  # of a map's largest value: rounding, no other method


def keep_reference(run: Run, cohort: Cohort, progress: Progress | None = None) -> int:
    """Ask the model that knows no anatomy about the held-out films, and keep maps of validation films.

    Returns:
        Films that maps were kept of; 0 where there are fewer than MIN_FILMS.

    Raises:
        RunError: the folder cannot be written.
    """
    from cxrkd.evaluate.trivial import trivial_logits
    from cxrkd.explain.reference import MIN_FILMS, evenly

    logits = trivial_logits(cohort.images, cohort.targets, cohort.rows("train"), kept_rows(cohort), progress)
    write_logits(run.path, TRIVIAL, run.config.seeds[0], logits)
    rows = cohort.rows("val")
    if len(rows) < MIN_FILMS:
        return 0
    rows = rows[evenly(len(rows))]
    write_reference(run, cohort.images[rows])
    return len(rows)


def write_reference(run: Run, films: np.ndarray) -> None:
    """Keep the maps of every member on films (N, S, S), uint8: validation films of the run, MIN_FILMS or more.

    Raises:
        ValueError: too few films.
        RunError: the folder cannot be written.
    """
    from cxrkd.explain.reference import references
    from cxrkd.models.weights import fingerprint

    tensors: dict[str, np.ndarray] = {}
    metadata = {"cxrkd_format": FORMAT, "labels": json.dumps(run.labels)}
    for member in run.members():
        model = run.load_model(member)
        kept = references(model, films)
        same = [method for method in kept if method != "gradcam" and _equal(kept[method], kept["gradcam"])]
        metadata |= {f"{member}.weights": fingerprint(model), f"{member}.same_as_gradcam": json.dumps(same)}
        for method in set(kept) - set(same):
            tensors |= _tensors(f"{member}.{method}", kept[method], maps=member != "teacher")
    try:
        with replacing(run.path / FILE) as part:
            save_file(dict(sorted(tensors.items())), part, metadata)
            seal(part)
        relist(run.path / FILE)
    except OSError as error:
        raise cannot_write(run.path, error) from error


def _equal(a: Reference, b: Reference) -> bool:
    if a.other_films.shape != b.other_films.shape:
        return False
    maps = all(np.allclose(getattr(a, name), getattr(b, name), rtol=0, atol=_SAME) for name in _MAPS)
    return maps and np.allclose(a.strong, b.strong, rtol=_SAME)


def _tensors(key: str, reference: Reference, *, maps: bool) -> dict[str, np.ndarray]:
    kept = {f"{key}.{_STRONG}": reference.strong}
    # safetensors writes an array's memory as it lies, whatever its strides say.
    return kept | {f"{key}.{name}": getattr(reference, name).astype(np.float16, order="C") for name in _MAPS if maps}


def read_reference(run: Run, method: str) -> dict[Member, Reference]:
    """What is kept, by member; the teacher's maps are empty. Nothing where the run keeps none for that explainer.

    Raises:
        RunError: the file is damaged or belongs to other labels.
    """
    path = run.path / FILE
    if not method or not path.exists():
        return {}
    try:
        check(path)
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (ChecksumError, SafetensorError, OSError) as error:
        raise RunError(f"{run.id}: {FILE} is damaged ({error}). Make it again: {_command(run)}") from error
    unreal = [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]
    if unreal:
        raise RunError(
            f"{run.id}: {FILE} is damaged ({unreal[0]} holds what is no number). Make it again: {_command(run)}"
        )
    if metadata.get("cxrkd_format") != FORMAT or tuple(json.loads(metadata.get("labels", "[]"))) != run.labels:
        raise RunError(f"{run.id}: {FILE} belongs to other labels or another version. Make it again: {_command(run)}")
    stored = {member: _stored(tensors, metadata, member, method) for member in run.members()}
    return {member: one for member, one in stored.items() if one is not None}


def _stored(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str], member: Member, method: str
) -> Reference | None:
    from cxrkd.explain.yardsticks import Reference

    same = json.loads(metadata.get(f"{member}.same_as_gradcam", "[]"))
    key = f"{member}.{'gradcam' if method in same else method}"
    if f"{key}.{_STRONG}" not in tensors:
        return None
    nothing = np.empty((0, 0, 0, 0), np.float32)
    other_films, label_means = (tensors.get(f"{key}.{name}", nothing).astype(np.float32) for name in _MAPS)
    return Reference(other_films, label_means, tensors[f"{key}.{_STRONG}"])


def cohort_of(run: Run, folder: Path | None = None) -> Cohort:
    """The images that a run was made from.

    Args:
        run: whose predictions name its held-out films.
        folder: where its data set is on this machine; None where its config says.

    Raises:
        DataError: the data set is not here, or has other films than the run was measured on.
        RunError: the run has no predictions.
    """
    from cxrkd.data import load_cohort

    held_out = np.concatenate([run.predictions("teacher", split).ids for split in KEPT_SPLITS])
    cohort = load_cohort(data_at(run.config.data, folder))
    if not np.array_equal(np.sort(cohort.ids[kept_rows(cohort)]), np.sort(held_out)):
        raise DataError(
            f"{cohort.name} holds out other films than those {len(held_out)} that {run.id} was measured on; expected "
            "the data set that the run was made from."
        )
    return cohort


def data_at(config: DataConfig, folder: Path | None) -> DataConfig:
    """The data set of a run in another folder than its config says; the same where None.

    Raises:
        DataError: it is drawn, and in no folder.
    """
    if folder is None:
        return config
    if READERS[config.kind].drawn:
        raise DataError("Phantoms are drawn, not read from a folder; leave --folder out.")
    return config.model_copy(update={"folder": folder.expanduser().absolute()})


def _command(run: Run) -> str:
    return f"python -m cxrkd reference {run.id}"
