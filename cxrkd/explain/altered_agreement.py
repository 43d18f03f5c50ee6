"""Do two models' answers to altered films put the evidence in the same places?

Such maps take hundreds of passes, so random students and a teacher under noise, which would take six times as many, are
not asked. In place of random students stands the student's own map *moved elsewhere*: shifted round the film, what
leaves at one edge coming in at the other, by at least a quarter of a side. It is as smooth as the map itself, which a
random ranking of its cells would not be (torus translation: Harms et al., J Ecol 2001, 89, 947). In place of its
maps of other films stand its Grad-CAMs of them, which runs keep: a milder line than its own maps would be.

Where masks are drawn by chance all figures come from halves that share no mask (`cxrkd.explain.halves`), and the
ceiling is what equal models would reach. Without chance equal models have equal maps, and no ceiling is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cxrkd.explain import chance
from cxrkd.explain.altered import AlteredMaps
from cxrkd.explain.chance import ChanceLine, Judged
from cxrkd.explain.explainer import Maps
from cxrkd.explain.halves import ceiling, stepped_up
from cxrkd.explain.similarity import common_grid, similarity, spearman
from cxrkd.explain.yardsticks import Baselines, Reference, centre_prior

_TOP = 0.2
_SHIFTS = 16  # along a side: what lies between them would say the same again


@dataclass(frozen=True)
class AlteredAgreement(Judged):
    """Two models' maps of one label on one film; figures are NaN where a map is constant.

    `cosine`, `topk_iou` (of the hottest 20 % of cells), `peak_distance` (in % of the diagonal) are those of
    `similarity`, of the maps as they are drawn.
    """

    ceiling_title = "not measured"
    titles: ClassVar[Mapping[str, str]] = {
        "topk_iou": "Overlap (IoU) of the hottest 20 % of cells",
        "cosine": "Cosine of the raw maps",
        "peak_distance": "Distance of the maxima, % of the diagonal",
    }

    cosine: float
    topk_iou: float
    peak_distance: float


@dataclass(frozen=True)
class HalvedAgreement(AlteredAgreement):
    """The same from halves of the masks, which know what equal models would reach."""

    ceiling_title = "equal models, other masks"


def judge(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> AlteredAgreement:
    """Agreement of a student with the teacher on label k, beside its chance lines."""
    assert isinstance(maps, AlteredMaps)
    halves_t, halves_s = common_grid(_halves(maps, teacher)[:, k], _halves(maps, student))
    flat_t, flat_s = halves_t.reshape(2, -1), halves_s.reshape(*halves_s.shape[:2], -1)
    all_labels = stepped_up(flat_t, flat_s)
    others = np.delete(all_labels, k)
    known = others[~np.isnan(others)]
    drawn = similarity(maps.heat(teacher, k), maps.heat(student, k), _TOP)
    kind = HalvedAgreement if maps.halves else AlteredAgreement
    return kind(
        spearman=float(all_labels[k]),
        lines=chance_lines(halves_t, halves_s[:, k], maps.heat(teacher, k), k, lines.reference),
        other_labels_spearman=float(known.mean()) if len(known) else float("nan"),
        ceiling_spearman=ceiling(flat_t, flat_s[:, k]) if maps.halves else float("nan"),
        cosine=drawn.cosine,
        topk_iou=drawn.topk_iou,
        peak_distance=drawn.peak_distance,
    )


def moved(maps: np.ndarray) -> np.ndarray:
    """Maps (..., h, w) shifted round the film by a quarter of a side or more along an axis, (..., n, h, w)."""
    h, w = maps.shape[-2:]
    down, across = (range(0, side, -(-side // _SHIFTS)) for side in (h, w))
    far = [(dy, dx) for dy in down for dx in across if _far(dy, h) or _far(dx, w)]
    if not far:
        return np.empty((*maps.shape[:-2], 0, h, w), maps.dtype)
    return np.stack([np.roll(maps, shift, (-2, -1)) for shift in far], axis=-3)


def _far(shift: int, side: int) -> bool:
    return 4 * min(shift, side - shift) >= side


def _halves(maps: AlteredMaps, name: str) -> np.ndarray:
    """Maps (2, K, h, w); twice the same where chance has no part in them."""
    return maps.halves[name] if maps.halves else np.stack([maps.maps[name]] * 2)


def chance_lines(
    halves_t: np.ndarray, halves_s: np.ndarray, map_t: np.ndarray, k: int, reference: Reference | None
) -> tuple[ChanceLine, ...]:
    """What an agreement on label k has to exceed.

    Args:
        halves_t: the teacher's maps (2, h, w).
        halves_s: the student's, on the same grid.
        map_t: the teacher's map as it is drawn, on its own grid.
        k: the label.
        reference: the student's Grad-CAMs of other films, where they are kept.
    """
    elsewhere = moved(halves_s)
    n = elsewhere.shape[1]  # a map of one cell cannot be moved
    shifted = stepped_up(halves_t.reshape(2, -1), elsewhere.reshape(2, n, -1)) if n else np.empty(0)
    others = {
        "other_film": None if reference is None else reference.other_films[:, k],
        "label_mean": None if reference is None else reference.label_means[:, k],
        "centre": centre_prior(map_t.shape)[None],
    }
    measured = {name: None if many is None else _each(map_t, many) for name, many in others.items()}
    return (chance.line("moved", shifted), *(chance.line(name, draws) for name, draws in measured.items()))


def _each(one: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Spearman (n,) of a map (h, w) with each of (n, h', w')."""
    a, b = common_grid(one[None], many)
    return spearman(np.broadcast_to(a.reshape(1, -1), (len(b), a.size)), b.reshape(len(b), a.size))
