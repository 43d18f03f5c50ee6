"""What the first look at a run shows of its networks, kept beside them: no page loads a network to draw it.

`showcase.safetensors` holds the Grad-CAM of teacher and student on one test film, raw, and in its metadata what
each member costs, which film and finding it is, what the two answer, and the checksums of the weights that all this was
computed from. With other weights, or without the file, it is computed again. A few kB; the film is in it only where
this program drew it or it ships, which spares the first page of a server reading the data set. Of a run on patients it
is therefore one of those that ship, where they suit the run.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.special import expit

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, identity, relist, seal
from cxrkd.config import MEMBERS, Member
from cxrkd.cost.complexity import Complexity
from cxrkd.jobs.files import cannot_write
from cxrkd.runs.run import Run
from cxrkd.runs.sample_films import shipped_for
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort
    from cxrkd.images.film import Film
    from cxrkd.models.classifier import Classifier

log = logging.getLogger(__name__)
FilmOf = Callable[[str], "Film"]
"""Id of a film of the run's data set -> the film."""

FILE = "showcase.safetensors"
FORMAT = "1"
TONES, LESION = "film.tones", "film.lesion"
FOCAL = ("Effusion", "Mass", "Nodule", "Pneumothorax", "Consolidation", "Hernia")
"""Findings in one place of the film, which are shown rather than others."""


@dataclass(frozen=True)
class Look:
    """One film of the test split, and where teacher and student see its finding.

    Attributes:
        image_id: of the film, in the run's data set or among those that ship.
        label: the finding.
        maps: by member, the raw signed map (h, w).
        probs: by member, of the finding.
        tones: the film as the networks see it, uint8 (S, S); None of a real one that stays in its data set.
        lesion: where the finding was drawn or marked, bool (S, S); likewise.
        shipped: it is one of the real films that ship.
    """

    image_id: str
    label: str
    maps: Mapping[Member, np.ndarray] = field(repr=False)
    probs: Mapping[Member, float]
    tones: np.ndarray | None = field(default=None, repr=False)
    lesion: np.ndarray | None = field(default=None, repr=False)
    shipped: bool = False


@dataclass(frozen=True)
class Showcase:
    """What each member costs, and one look; None where no test film has a finding."""

    costs: Mapping[Member, Complexity]
    look: Look | None


def clearest(
    logits: Mapping[Member, np.ndarray],
    thresholds: Mapping[Member, np.ndarray],
    targets: np.ndarray,
    preferred: Sequence[int] = (),
) -> tuple[int, int] | None:
    """The case and label (n, k) that all members recognise most clearly; None without a positive case.

    Args:
        logits: member -> (N, K).
        thresholds: member -> probabilities (K,); where one is NaN, what a label is called from is not known, and any
            film on which a label is called comes first.
        targets: (N, K); a case counts only where its label is present.
        preferred: labels to choose from if one of them is present anywhere, for example those with a small lesion.
    """
    among = np.isin(np.arange(targets.shape[1]), preferred) & (targets == 1).any(axis=0)
    targets = np.where(among, targets, 0) if among.any() else targets
    margins = [expit(logits[member]) - np.nan_to_num(thresholds[member], nan=1.0) for member in logits]
    if not (targets == 1).any():
        return None
    worst = np.where(targets == 1, np.nan_to_num(np.min(margins, axis=0), nan=-1.0), -2.0)
    n, k = np.unravel_index(np.argmax(worst), worst.shape)
    return int(n), int(k)


def make_showcase(run: Run, film_of: FilmOf, network_of: Callable[[Member], Classifier] | None = None) -> Showcase:
    """Count, choose and explain.

    Args:
        run: finished.
        film_of: id of a test film -> the film, with its truth.
        network_of: gives its networks; from their files by default.

    Raises:
        CxrkdError: files of the run, or the film, are missing or damaged.
    """
    from cxrkd.cost.count import count

    networks = {member: (network_of or run.load_model)(member) for member in run.members()}
    return Showcase({member: count(network) for member, network in networks.items()}, _look(run, film_of, networks))


def _look(run: Run, film_of: FilmOf, networks: Mapping[Member, Classifier]) -> Look | None:
    import torch

    from cxrkd.explain.cam import grad_cam

    student: Member = "distilled" if "distilled" in networks else "alone"
    pair = {member: networks[member] for member in MEMBERS if member in ("teacher", student)}
    shipped = _shipped_case(run, pair)
    chosen = shipped or _own_case(run, list(pair), film_of)
    if chosen is None:
        return None
    film, label = chosen
    k, pixels = run.labels.index(label), torch.from_numpy(film.pixels)[None, None]
    cams = {member: grad_cam(network, pixels) for member, network in pair.items()}
    probs = {member: float(expit(cam.logits[k])) for member, cam in cams.items()}
    maps = {member: cam.cams[k] for member, cam in cams.items()}
    if film.truth is None or (film.real and not shipped):
        return Look(film.name, label, maps, probs)
    lesion = film.truth.masks(len(film.tones))[film.truth.labels.index(label)]
    return Look(film.name, label, maps, probs, film.tones, lesion, shipped=shipped is not None)


def _own_case(run: Run, members: Sequence[Member], film_of: FilmOf) -> tuple[Film, str] | None:
    """The film of the run's own test split that these members recognise most clearly, and its finding."""
    answers = {member: run.predictions(member) for member in members}
    first = answers[members[0]]
    best = _clearest(run, {member: one.logits[0] for member, one in answers.items()}, first.targets)
    return None if best is None else (film_of(str(first.ids[best[0]])), run.labels[best[1]])


def _shipped_case(run: Run, networks: Mapping[Member, Classifier]) -> tuple[Film, str] | None:
    """The same among the films that ship on which a finding is marked; None where they do not suit the run.

    The page that shows it says whether the run is known not to have been trained on that patient.
    """
    import torch

    from cxrkd.data import load_cohort

    config = shipped_for(run)
    if config is None:
        return None
    films = load_cohort(config)
    columns = [films.labels.index(label) for label in run.labels]
    rows = [films.film(row) for row in range(len(films))]
    marked = np.stack([films.masks(row, films.size)[columns].any(axis=(1, 2)) for row in range(len(films))])
    pixels = torch.from_numpy(np.stack([film.pixels for film in rows])[:, None])
    with torch.inference_mode():
        logits = {member: network(pixels).numpy() for member, network in networks.items()}
    best = _clearest(run, logits, marked.astype(np.float32))
    return None if best is None else (rows[best[0]], run.labels[best[1]])


def _clearest(run: Run, logits: Mapping[Member, np.ndarray], targets: np.ndarray) -> tuple[int, int] | None:
    """`clearest` by the run's thresholds, findings in one place first."""
    metrics = run.metrics()
    cuts = {member: metrics.of(member).thresholds_array() for member in logits}
    return clearest(logits, cuts, targets, [k for k, label in enumerate(run.labels) if label in FOCAL])


def write_showcase(run: Run, film_of: FilmOf) -> None:
    """Make it and keep it; arguments as of `make_showcase`.

    Raises:
        CxrkdError: as there, or the folder cannot be written.
    """
    made, path = make_showcase(run, film_of), run.path / FILE
    metadata = {"cxrkd_format": FORMAT, "weights": json.dumps(_weights(run))}
    metadata["costs"] = json.dumps({member: cost.to_dict() for member, cost in made.costs.items()})
    tensors = {} if made.look is None else _tensors(made.look)
    if made.look is not None:
        look = made.look
        document = {"image": look.image_id, "label": look.label, "probs": look.probs, "shipped": look.shipped}
        metadata["look"] = json.dumps(document)
    try:
        with replacing(path) as part:
            save_file(tensors, part, metadata)
            seal(part)
        relist(path)
    except OSError as error:
        raise cannot_write(run.path, error) from error


def costs_of(run: Run) -> Mapping[Member, Complexity]:
    """What the members of a run cost: as it keeps it, else counted.

    Raises:
        CxrkdError: weights are missing or damaged.
    """
    from cxrkd.cost.count import count

    kept = read_showcase(run)
    return kept.costs if kept is not None else {member: count(run.load_model(member)) for member in run.members()}


def film_in(cohort: Cohort) -> FilmOf:
    """What finds a film of a cohort by its id."""
    return lambda image_id: cohort.film(cohort.row_of(image_id), cohort.size)


def _tensors(look: Look) -> dict[str, np.ndarray]:
    tensors = {str(member): heat.astype(np.float32, order="C") for member, heat in look.maps.items()}
    if look.tones is None or look.lesion is None:
        return tensors
    return tensors | {TONES: np.ascontiguousarray(look.tones), LESION: look.lesion.astype(np.uint8)}


def read_showcase(run: Run) -> Showcase | None:
    """What is kept; None where there is nothing, or what there is belongs to other weights or cannot be read."""
    path = run.path / FILE
    if not path.exists():
        return None
    try:
        check(path)
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        if metadata["cxrkd_format"] != FORMAT or json.loads(metadata["weights"]) != _weights(run):
            return None
        costs = {member: Complexity.from_dict(cost) for member, cost in json.loads(metadata["costs"]).items()}
        look = _kept_look(json.loads(metadata.get("look", "null")), tensors)
        if look is not None and look.label not in run.labels:
            raise ValueError(f"it is about {shown(look.label)}, which the run does not answer")
        return Showcase(costs, look)
    except (ChecksumError, SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: %s is damaged and computed again (%s)", run.id, FILE, error)
        return None


def _kept_look(document: dict[str, Any] | None, tensors: Mapping[str, np.ndarray]) -> Look | None:
    """The look of a file that may hold anything.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    if document is None:
        return None
    maps = {member: tensors[member] for member in MEMBERS if member in tensors}
    if "teacher" not in maps or any(heat.ndim != 2 or heat.dtype != np.float32 for heat in maps.values()):
        raise ValueError("expected a map (h, w) of the teacher and of a student")
    probs = {member: float(document["probs"][member]) for member in maps}
    shipped = document.get("shipped") is True
    tones, lesion = _kept_film(tensors)
    return Look(str(document["image"]), str(document["label"]), maps, probs, tones, lesion, shipped)


def _kept_film(tensors: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    tones, lesion = tensors.get(TONES), tensors.get(LESION)
    if tones is None or lesion is None:
        return None, None
    if tones.dtype != np.uint8 or tones.ndim != 2 or tones.shape[0] != tones.shape[1] or lesion.shape != tones.shape:
        raise ValueError("expected a film uint8 (S, S), and where its finding was drawn")
    return tones, lesion.astype(bool)


def _weights(run: Run) -> dict[str, str]:
    """Member -> what tells its weights from others."""
    return {member: identity(run.weights_path(member)) for member in run.members()}
