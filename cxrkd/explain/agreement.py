"""Do teacher and student look at the same places? One image, every figure beside its chance lines and its ceiling.

A correlation of two maps means nothing alone: maps of any two labels on any two films correlate too, because the same
anatomy is in the same place. So each one is held against what is reached without this film being read at all:
- **random student**: the teacher's map against maps of the student's network with freshly drawn weights, over all its
  labels (their labels mean nothing, so each is a draw);
- **other film**: against the same student's maps of the same label on other films;
- **label mean**: against the student's mean map of the label over other films;
- **centre**: against a bump in the middle, which knows no film at all.
*Above chance* means above all four, where a line has several draws above their 95th percentile. Beside them stand
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
from cxrkd.explain.chance import ChanceLine, Judged
from cxrkd.explain.explainer import Maps
from cxrkd.explain.similarity import common_grid, similarity, spearman, topk_iou
from cxrkd.explain.yardsticks import Baselines, centre_prior


@dataclass(frozen=True)
class Agreement(Judged):
    """Two models' maps of one label on one image; figures are NaN where a map is constant.

    `spearman`, `cosine`, `topk_iou`, `peak_distance` (in % of the diagonal) are those of `similarity`; `top` is the
    share of cells that counts as hottest; `chance_topk_iou` is the mean over random students.
    """

    titles: ClassVar[Mapping[str, str]] = {
        "topk_iou": "Overlap (IoU) of the hottest 20 % of cells",
        "chance_topk_iou": "… its chance: random students, mean",
        "ceiling_topk_iou": "… its ceiling: teacher under light noise",
        "cosine": "Cosine of the raw maps",
        "peak_distance": "Distance of the maxima, % of the diagonal",
    }

    cosine: float
    topk_iou: float
    peak_distance: float
    top: float
    chance_topk_iou: float
    ceiling_topk_iou: float


def agreement(cams_t: np.ndarray, cams_s: np.ndarray, k: int, lines: Baselines, top: float = 0.2) -> Agreement:
    """Agreement of teacher and student on label k of one image, with its chance lines and ceiling.

    Args:
        cams_t: the teacher's raw maps (K, h, w).
        cams_s: the student's raw maps (K, h', w'); grids may differ, the finer is area-averaged onto the coarser.
        k: the label.
        lines: from `baselines` for the same image and method.
        top: share of cells that counts as hottest, 0.1 or 0.2 by custom.
    """
    own, map_t = similarity(cams_t[k], cams_s[k], top), cams_t[k]
    others, _ = _against(map_t, np.delete(cams_s, k, axis=0), top)
    _, chance_iou = _against(map_t, _draws(lines), top)
    ceiling, ceiling_iou = _against(map_t, lines.noisy_teacher[:, k], top)
    return Agreement(
        **asdict(own),
        top=top,
        lines=chance_lines(map_t, k, lines),
        chance_topk_iou=_mean(chance_iou),
        other_labels_spearman=_mean(others),
        ceiling_spearman=_mean(ceiling),
        ceiling_topk_iou=_mean(ceiling_iou),
    )


def compare_cells(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of two maps cell by cell, on the coarser of their grids."""
    return agreement(all_heats(maps, teacher), all_heats(maps, student), k, lines)


def chance_lines(map_t: np.ndarray, k: int, lines: Baselines) -> tuple[ChanceLine, ...]:
    """What any agreement with the teacher's map (h, w) of label k has to exceed."""
    kept = lines.reference
    draws = {
        "random_student": _draws(lines),
        "other_film": None if kept is None else kept.other_films[:, k],
        "label_mean": None if kept is None else kept.label_means[:, k],
        "centre": centre_prior(map_t.shape)[None],
    }
    return tuple(chance.line(name, None if maps is None else _against(map_t, maps)[0]) for name, maps in draws.items())


def _draws(lines: Baselines) -> np.ndarray:
    """Maps (n, h, w) of random students, whose labels mean nothing."""
    return lines.random_student.reshape(-1, *lines.random_student.shape[2:])


def _against(one: np.ndarray, many: np.ndarray, top: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Spearman and top IoU (n,) of one map (h, w) with each of (n, h', w')."""
    a, b = common_grid(one[None], many)
    flat_a, flat_b = a.reshape(1, -1).repeat(len(b), 0), b.reshape(len(b), a.size)
    return spearman(flat_a, flat_b), topk_iou(flat_a, flat_b, top)


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
