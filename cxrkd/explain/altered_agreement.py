"""Do two models' answers to altered films put the evidence in the same places?

Such maps take hundreds of passes, so random students and a teacher under noise, which would take six times as many, are
not asked. In place of random students stands the student's own map *moved elsewhere*: shifted round the film, what
leaves at one edge coming in at the other, by at least a quarter of a side. It is as smooth as the map itself, which a
random ranking of its cells would not be (torus translation: Harms et al., J Ecol 2001, 89, 947). In place of its
maps of other films stand its Grad-CAMs of them, which runs keep: a milder line than its own maps would be.

Where masks are drawn by chance all figures come from halves that share no mask (`cxrkd.explain.halves`), and the
ceiling is what equal models would reach. The rank correlation is stepped up to the length of the maps that are drawn;
for other figures no formula does that, so they, their lines and their ceiling (a model's own two halves) are those of
half the masks. Without chance equal models have equal maps, and no ceiling is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.explain import chance
from cxrkd.explain.agreement import Agreement, against
from cxrkd.explain.altered import AlteredMaps
from cxrkd.explain.chance import ChanceLine, HeldAgainst
from cxrkd.explain.explainer import Maps
from cxrkd.explain.halves import ceiling, stepped_up
from cxrkd.explain.similarity import MEASURES, Measure, common_grid
from cxrkd.explain.yardsticks import Baselines, Reference, centre_prior

_SHIFTS = 16  # along a side: what lies between them would say the same again


@dataclass(frozen=True)
class AlteredAgreement(Agreement):
    """Two models' maps of one label on one film, which were read off answers to altered films."""

    ceiling_title = "not measured"


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
    elsewhere, map_t = moved(halves_s[:, k]), maps.heat(teacher, k)
    kind = HalvedAgreement if maps.halves else AlteredAgreement
    return kind(
        spearman=float(all_labels[k]),
        lines=chance_lines(halves_t, elsewhere, map_t, k, lines.reference),
        other_labels_spearman=float(known.mean()) if len(known) else float("nan"),
        ceiling_spearman=ceiling(flat_t, flat_s[:, k]) if maps.halves else float("nan"),
        beside={
            name: HeldAgainst(
                lines_of(measure, halves_t, elsewhere, map_t, k, lines.reference),
                _ceiling(measure, halves_t, halves_s[:, k]) if maps.halves else float("nan"),
                measure.less,
            )
            for name, measure in MEASURES.items()
        },
        **{name: float(crossed(measure, halves_t, halves_s[:, k, None])[0]) for name, measure in MEASURES.items()},
    )


def crossed(measure: Measure, halves_t: np.ndarray, halves_s: np.ndarray) -> np.ndarray:
    """Mean figure (n,) of each of the teacher's halves (2, h, w) with the student's other ones (2, n, h, w)."""
    even, odd = (np.broadcast_to(half, halves_s[0].shape) for half in halves_t)
    return np.asarray((measure.of(even, halves_s[1]) + measure.of(odd, halves_s[0])) / 2)


def _ceiling(measure: Measure, halves_t: np.ndarray, halves_s: np.ndarray) -> float:
    """Mean figure of each model's own halves (2, h, w): equal models, other masks, half of them."""
    even, odd = np.stack([halves_t, halves_s], axis=1)
    return float(measure.of(even, odd).mean())


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
    halves_t: np.ndarray, elsewhere: np.ndarray, map_t: np.ndarray, k: int, reference: Reference | None
) -> tuple[ChanceLine, ...]:
    """What a rank correlation on label k has to exceed.

    Args:
        halves_t: the teacher's maps (2, h, w).
        elsewhere: the student's, moved, (2, n, h, w) on the same grid; a map of one cell cannot be moved, n is 0.
        map_t: the teacher's map as it is drawn, on its own grid.
        k: the label.
        reference: the student's Grad-CAMs of other films, where they are kept.
    """
    n = elsewhere.shape[1]
    shifted = stepped_up(halves_t.reshape(2, -1), elsewhere.reshape(2, n, -1)) if n else np.empty(0)
    kept = _kept(map_t, k, reference)
    measured = {name: None if many is None else against(map_t, many) for name, many in kept.items()}
    return (chance.line("moved", shifted), *(chance.line(name, draws) for name, draws in measured.items()))


def lines_of(
    measure: Measure,
    halves_t: np.ndarray,
    elsewhere: np.ndarray,
    map_t: np.ndarray,
    k: int,
    reference: Reference | None,
) -> tuple[ChanceLine, ...]:
    """The same of another figure, from the teacher's halves: arguments of `chance_lines`."""
    kept = _kept(map_t, k, reference)
    measured = {
        "moved": crossed(measure, halves_t, elsewhere) if elsewhere.shape[1] else np.empty(0),
        **{
            name: None if many is None else np.mean([against(half, many, measure) for half in halves_t], axis=0)
            for name, many in kept.items()
        },
    }
    return tuple(chance.line(name, draws, less=measure.less) for name, draws in measured.items())


def _kept(map_t: np.ndarray, k: int, reference: Reference | None) -> dict[str, np.ndarray | None]:
    """Maps (n, h, w) that know nothing of this film; None where none are kept."""
    return {
        "other_film": None if reference is None else reference.other_films[:, k],
        "label_mean": None if reference is None else reference.label_means[:, k],
        "centre": centre_prior(map_t.shape)[None],
    }
