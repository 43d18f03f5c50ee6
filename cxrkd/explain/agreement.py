"""Do teacher and student look at the same places? One image, every figure beside its chance lines and its ceiling.

A correlation of two maps means nothing alone: maps of any two labels on any two films correlate too, because the same
anatomy is in the same place. So each one is held against what is reached without this film being read at all:
- **random student**: the teacher's map against maps of the student's network with freshly drawn weights, over all its
  labels (their labels mean nothing, so each is a draw);
- **other film**: against the same student's maps of the same label on other films;
- **label mean**: against the student's mean map of the label over other films;
- **centre**: against a bump in the middle, which knows no film at all.
*Above chance* means above all four, where a line has several draws above their 95th percentile. That is judged by the
rank correlation alone, since many chances would pass one; the other figures stand beside the same lines. Then
there are
- **other labels**: the teacher's map of this label against the student's maps of the others: below the agreement
  itself if the maps tell labels apart. No chance line, since labels that lie in one place should agree;
- **ceiling**: the teacher's map against its own under light noise.
Agreement is not correctness: two networks can agree on the wrong place. `cxrkd.explain.lesion` asks that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from cxrkd.explain import chance
from cxrkd.explain.baselines import all_heats
from cxrkd.explain.chance import ChanceLine, HeldAgainst, Judged
from cxrkd.explain.explainer import Maps
from cxrkd.explain.similarity import MEASURES, RANKS, Measure, common_grid, known_mean, similarity
from cxrkd.explain.yardsticks import Baselines, centre_prior


@dataclass(frozen=True)
class Agreement(Judged):
    """Two models' maps of one label on one image; figures are NaN where a map is constant. See `similarity`."""

    titles: ClassVar[Mapping[str, str]] = {name: measure.title for name, measure in MEASURES.items()}

    cosine: float
    ssim: float
    topk_iou: float
    centre_distance: float
    peak_distance: float


def agreement(cams_t: np.ndarray, cams_s: np.ndarray, k: int, lines: Baselines) -> Agreement:
    """Agreement of teacher and student on label k of one image, with its chance lines and ceiling.

    Args:
        cams_t: the teacher's raw maps (K, h, w).
        cams_s: the student's raw maps (K, h', w'); grids may differ, the finer is area-averaged onto the coarser.
        k: the label.
        lines: from `baselines` for the same image and method.
    """
    map_t, noisy = cams_t[k], lines.noisy_teacher[:, k]
    return Agreement(
        **asdict(similarity(map_t, cams_s[k])),
        lines=chance_lines(map_t, k, lines),
        other_labels_spearman=known_mean(against(map_t, np.delete(cams_s, k, axis=0), RANKS)),
        ceiling_spearman=known_mean(against(map_t, noisy, RANKS)),
        beside={
            name: HeldAgainst(chance_lines(map_t, k, lines, one), known_mean(against(map_t, noisy, one)), one.less)
            for name, one in MEASURES.items()
        },
    )


def compare_cells(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of two maps cell by cell, on the coarser of their grids."""
    return agreement(all_heats(maps, teacher), all_heats(maps, student), k, lines)


def chance_lines(map_t: np.ndarray, k: int, lines: Baselines, measure: Measure = RANKS) -> tuple[ChanceLine, ...]:
    """What any agreement with the teacher's map (h, w) of label k has to exceed, or undercut by a distance."""
    kept = lines.reference
    draws = {
        "random_student": _draws(lines),
        "other_film": None if kept is None else kept.other_films[:, k],
        "label_mean": None if kept is None else kept.label_means[:, k],
        "centre": centre_prior(map_t.shape)[None],
    }
    measured = {name: None if maps is None else against(map_t, maps, measure) for name, maps in draws.items()}
    return tuple(chance.line(name, own, less=measure.less) for name, own in measured.items())


def against(one: np.ndarray, many: np.ndarray, measure: Measure = RANKS) -> np.ndarray:
    """A figure (n,) of one map (h, w) with each of (n, h', w'), on the coarser of their grids."""
    a, b = common_grid(one[None], many)
    return measure.of(np.broadcast_to(a, b.shape), b)


def _draws(lines: Baselines) -> np.ndarray:
    """Maps (n, h, w) of random students, whose labels mean nothing."""
    return lines.random_student.reshape(-1, *lines.random_student.shape[2:])
