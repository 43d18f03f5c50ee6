"""Maps of a run's networks on its validation films, kept so that maps of any film can be held against them.

`reference.safetensors` holds, float16, by member and method what `cxrkd.explain.Reference` names; of the teacher
only what strong evidence is. Methods that are one map on a network are stored once. About 0.3 MB for 14 labels.
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
from cxrkd.config import DataConfig, Member
from cxrkd.errors import DataError, RunError
from cxrkd.runs.files import cannot_write

if TYPE_CHECKING:
    from cxrkd.explain import Reference
    from cxrkd.runs.run import Run

FILE = "reference.safetensors"
FORMAT = "1"
_STRONG, _MAPS = "strong", ("other_films", "label_means")
_SAME = 1e-3  # of a map's largest value: rounding, no other method


def write_reference(run: Run, films: np.ndarray) -> None:
    """Keep the maps of every member on films (N, S, S), uint8: validation films of the run, MIN_FILMS or more.

    Raises:
        ValueError: too few films.
        RunError: the folder cannot be written.
    """
    from cxrkd.explain import references
    from cxrkd.models.weights import fingerprint

    tensors: dict[str, np.ndarray] = {}
    metadata = {"cxrkd_format": FORMAT, "labels": json.dumps(run.labels)}
    for member in run.members():
        model = run.load_model(member)
        found = references(model, films)
        same = [method for method in found if method != "gradcam" and _equal(found[method], found["gradcam"])]
        metadata |= {f"{member}.weights": fingerprint(model), f"{member}.same_as_gradcam": json.dumps(same)}
        for method in set(found) - set(same):
            tensors |= _tensors(f"{member}.{method}", found[method], maps=member != "teacher")
    try:
        with replacing(run.path / FILE) as part:
            save_file(dict(sorted(tensors.items())), part, metadata)
    except OSError as error:
        raise cannot_write(run.path, error) from error


def _equal(a: Reference, b: Reference) -> bool:
    maps = all(np.allclose(getattr(a, name), getattr(b, name), rtol=0, atol=_SAME) for name in _MAPS)
    return maps and np.allclose(a.strong, b.strong, rtol=_SAME)


def _tensors(key: str, found: Reference, *, maps: bool) -> dict[str, np.ndarray]:
    kept = {f"{key}.{_STRONG}": found.strong}
    # safetensors writes an array's memory as it lies, whatever its strides say.
    return kept | {f"{key}.{name}": getattr(found, name).astype(np.float16, order="C") for name in _MAPS if maps}


def read_reference(run: Run, method: str) -> dict[Member, Reference]:
    """What is kept, by member; the teacher's maps are empty. Nothing where the run keeps none for that method.

    Raises:
        RunError: the file is damaged or belongs to other labels.
    """
    path = run.path / FILE
    if not path.exists():
        return {}
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{run.id}: {FILE} is damaged ({error}). Make it again: {_command(run)}") from error
    if metadata.get("cxrkd_format") != FORMAT or tuple(json.loads(metadata.get("labels", "[]"))) != run.labels:
        raise RunError(f"{run.id}: {FILE} belongs to other labels or another version. Make it again: {_command(run)}")
    found = {member: _stored(tensors, metadata, member, method) for member in run.members()}
    return {member: one for member, one in found.items() if one is not None}


def _stored(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str], member: Member, method: str
) -> Reference | None:
    from cxrkd.explain import Reference

    same = json.loads(metadata.get(f"{member}.same_as_gradcam", "[]"))
    key = f"{member}.{'gradcam' if method in same else method}"
    if f"{key}.{_STRONG}" not in tensors:
        return None
    nothing = np.empty((0, 0, 0, 0), np.float32)
    other_films, label_means = (tensors.get(f"{key}.{name}", nothing).astype(np.float32) for name in _MAPS)
    return Reference(other_films, label_means, tensors[f"{key}.{_STRONG}"])


def validation_films(run: Run, folder: Path | None = None) -> np.ndarray:
    """Validation films of a run, uint8 (N, S, S), evenly spread over them and as many as `references` uses.

    Args:
        run: whose predictions name its validation films.
        folder: where its data set is on this machine; None where its config says.

    Raises:
        DataError: the data set is not here, or has not the films that the run was validated on.
        RunError: the run has no predictions.
    """
    from cxrkd.data.preview import preview
    from cxrkd.explain import MIN_FILMS, evenly

    ids = run.predictions("teacher", "val").ids
    if len(ids) < MIN_FILMS:
        raise DataError(
            f"{run.id} has {len(ids)} validation films; expected at least {MIN_FILMS} to hold maps against."
        )
    table = preview(_at(run.config.data, folder))
    return np.stack([table.film(table.row_of(ids[i])).pixels for i in evenly(len(ids))])


def _at(config: DataConfig, folder: Path | None) -> DataConfig:
    if folder is None:
        return config
    if config.kind == "phantom":
        raise DataError("Phantoms are drawn, not read from a folder; leave --folder out.")
    return config.model_copy(update={"folder": folder.expanduser().absolute()})


def _command(run: Run) -> str:
    return f"python -m cxrkd reference {run.id}"
