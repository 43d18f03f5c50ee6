"""One phantom radiograph from (seed, patient, visit)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from cxrkd.data.phantom import acquisition, anatomy, findings, labels, overlays, skeleton, vessels
from cxrkd.data.phantom.canvas import Canvas
from cxrkd.data.phantom.film import Film, attenuation, lay_out
from cxrkd.data.phantom.streams import Part, stream
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14

MAX_VISITS = 4
_VISIT_SHARES = (0.45, 0.27, 0.17, 0.11)
_SMALLEST = 112  # thinner lines than this film can carry would change brightness: smaller ones are reduced from it


@dataclass(frozen=True)
class Phantom:
    """A synthetic frontal chest radiograph and the truth about it.

    Attributes:
        pixels: uint8 (S, S), bone white, the patient's left on the right.
        labels: float32 (14,), 1 where present, in the order of CHESTXRAY14.
        masks: bool (14, S, S), where each finding was drawn; empty exactly where the label is absent.
        severity: float32 (14,), 0 absent, about 0.1 barely visible, 1 obvious.
        patient: identifier shared by the patient's images. view: "PA" or "AP". image_id: unique.
    """

    pixels: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    severity: np.ndarray
    patient: str
    view: Literal["PA", "AP"]
    image_id: str


def n_visits(seed: int, patient: int) -> int:
    """How many images a patient has, 1 to 4."""
    return int(np.searchsorted(np.cumsum(_VISIT_SHARES), stream(seed, patient, Part.VISITS).random()) + 1)


@lru_cache(maxsize=4096)
def _drawn_labels(seed: int, patient: int, visit: int) -> tuple[bool, ...]:
    rng = stream(seed, patient, Part.LABELS, visit)
    if visit == 0:
        return tuple(labels.first_visit(rng).tolist())
    return tuple(labels.next_visit(np.array(_drawn_labels(seed, patient, visit - 1)), rng).tolist())


def view_and_labels(seed: int, patient: int, visit: int) -> tuple[Literal["PA", "AP"], np.ndarray]:
    """View and labels bool (14,) of one image, without drawing it."""
    present = np.array(_drawn_labels(seed, patient, visit))
    ap = stream(seed, patient, Part.VIEW, visit).random() < labels.ap_probability(present)
    return "AP" if ap else "PA", present


def render(
    seed: int, patient: int, visit: int, size: int = 224, labels_override: Sequence[str] | None = None
) -> Phantom:
    """Draw one image. The same arguments give the same pixels, in any order, in any process.

    Args:
        seed: of the whole data set.
        patient: number of the patient, 0 or more.
        visit: 0 to 3; images of one patient share their anatomy and most findings.
        size: pixels a side, 32 or more.
        labels_override: findings to draw instead of the sampled ones; everything else stays the same, so two calls
            show what a finding changes.

    Raises:
        DataError: a number is out of range or a label unknown.
    """
    _check(patient, visit, size, labels_override)
    view, sampled = view_and_labels(seed, patient, visit)
    present = sampled if labels_override is None else np.array([name in labels_override for name in CHESTXRAY14])
    plan = _plan(seed, patient, visit, present)
    film, pixels = _shoot(seed, patient, visit, max(size, _SMALLEST), view == "AP", plan)
    name = f"phantom-{seed}-{patient:06d}"
    return Phantom(
        pixels=_reduce(pixels, size),
        labels=present.astype(np.float32),
        masks=_masks(film, size),
        severity=_severity(plan),
        patient=name,
        view=view,
        image_id=f"{name}-{visit}",
    )


def severity(seed: int, patient: int, visit: int) -> np.ndarray:
    """`Phantom.severity` of an image, float32 (14,), without drawing it."""
    return _severity(_plan(seed, patient, visit, view_and_labels(seed, patient, visit)[1]))


def _plan(seed: int, patient: int, visit: int, present: np.ndarray) -> list[findings.Finding]:
    return [findings.plan(name, seed, patient, visit) for name, here in zip(CHESTXRAY14, present, strict=True) if here]


def _severity(plan: list[findings.Finding]) -> np.ndarray:
    severities = np.zeros(len(CHESTXRAY14), np.float32)
    for finding in plan:
        severities[CHESTXRAY14.index(finding.label)] = finding.severity
    return severities


def _check(patient: int, visit: int, size: int, override: Sequence[str] | None) -> None:
    if patient < 0 or not 0 <= visit < MAX_VISITS or size < 32:
        raise DataError(
            f"A phantom needs patient >= 0, visit 0 to {MAX_VISITS - 1} and size >= 32; got {patient}, {visit}, {size}."
        )
    unknown = [name for name in override or () if name not in CHESTXRAY14]
    if unknown:
        raise DataError(f"Unknown findings {', '.join(unknown)}; choose from {', '.join(CHESTXRAY14)}.")


@lru_cache(maxsize=4)
def _body(seed: int, patient: int) -> tuple[anatomy.Anatomy, list[np.ndarray]]:
    return (
        anatomy.draw_anatomy(stream(seed, patient, Part.ANATOMY)),
        vessels.grow_tree(stream(seed, patient, Part.VESSELS)),
    )


def _shoot(
    seed: int, patient: int, visit: int, size: int, ap: bool, plan: list[findings.Finding]
) -> tuple[Film, np.ndarray]:
    body, tree = _body(seed, patient)
    rng = stream(seed, patient, Part.POSE, visit)
    healthy = anatomy.pose(body, ap, rng)
    canvas = Canvas(
        size,
        angle=float(rng.normal(0, 1.6)),
        zoom=float(rng.normal(1.02, 0.04)),
        shift=(float(rng.normal(0, 0.015)), float(rng.normal(0.0, 0.018))),
    )
    spread, tilt = float(rng.uniform(-0.02, 0.10)), float(rng.normal(0, 0.008))
    shape = findings.reshape(healthy, plan)
    film = lay_out(canvas, body, shape, tree)
    bones = skeleton.ribs(canvas, body, healthy) + skeleton.spine(canvas, body)
    bones += skeleton.shoulders(canvas, body, ap, spread, tilt)
    findings.draw(film, healthy, plan)
    film.extra -= overlays.gastric_bubble(film, stream(seed, patient, Part.SOFT_TISSUE, visit))
    film.extra += overlays.distractors(film, stream(seed, patient, Part.DISTRACTORS, visit))
    film.extra += overlays.devices(film, ap, stream(seed, patient, Part.DEVICES, visit))
    detector, grain = (stream(seed, patient, part, visit) for part in (Part.DETECTOR, Part.GRAIN))
    value = acquisition.expose(canvas, attenuation(film, bones, spread), ap, detector, grain)
    return film, acquisition.finish(value, ap, detector)


def _reduce(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


def _masks(film: Film, size: int) -> np.ndarray:
    masks = np.zeros((len(CHESTXRAY14), size, size), bool)
    for label, region in film.masks.items():
        coverage = _reduce(region.astype(np.float32), size)
        masks[CHESTXRAY14.index(label)] = coverage >= min(0.5, 0.999 * float(coverage.max()))
    return masks
