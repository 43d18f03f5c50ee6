"""Do teacher and student look at the same places? One image, every figure beside its chance line and its ceiling.

A correlation of two maps means nothing alone: maps of two labels on one image correlate too. So each one comes with
- **random**: the teacher's map against maps of the student's network with freshly drawn weights, over all its labels
  (their labels mean nothing, so each is a draw); mean and 95th percentile;
- **other labels**: the teacher's map of this label against the student's maps of the other labels: below the agreement
  itself if the maps tell labels apart;
- **centre**: the teacher's map against a bump in the middle of the image, which knows no image at all;
- **ceiling**: the teacher's map against its own under light noise.
Agreement is not correctness: two networks can agree on the wrong place. `cxrkd.explain.lesion` asks that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from cxrkd.explain.baselines import Baselines, centre_prior
from cxrkd.explain.lime import LimeResult
from cxrkd.explain.similarity import common_grid, similarity, spearman, top_cells, topk_iou


@dataclass(frozen=True)
class Agreement:
    """Two models' maps of one label on one image; figures are NaN where a map is constant.

    `spearman`, `cosine`, `topk_iou`, `peak_distance` (in % of the diagonal) are those of `similarity`; `top` is the
    share of cells that counts as hottest. The rest are the same figures for the lines described in the module.
    """

    spearman: float
    cosine: float
    topk_iou: float
    peak_distance: float
    top: float
    chance_spearman: float
    chance_high_spearman: float
    chance_topk_iou: float
    other_labels_spearman: float
    centre_spearman: float
    ceiling_spearman: float
    ceiling_topk_iou: float

    @property
    def above_chance(self) -> bool:
        """The agreement is above the 95th percentile of random students; False where either is undefined."""
        return self.spearman > self.chance_high_spearman

    def to_dict(self) -> dict[str, float | bool]:
        """Fields and `above_chance`, for JSON and tables."""
        return asdict(self) | {"above_chance": self.above_chance}


@dataclass(frozen=True)
class LimeAgreement:
    """Two models' LIME weights of one label over the same superpixels (Krishna et al., TMLR 2024, arXiv 2202.01602).

    Attributes:
        spearman: of all weights, signed.
        top_overlap: share of the teacher's `n_top` heaviest positive superpixels that are also the student's.
        chance_top_overlap: what two random rankings would give, n_top / S.
        sign: share of superpixels whose weights have the same sign; chance is 0.5 where signs are balanced.
        other_labels_spearman: the teacher's weights against the student's of the other labels, mean.
        ceiling_spearman: the most that sampling noise lets two equal models reach, sqrt(rho_t rho_s) with the
            reliabilities rho = 2 r / (1 + r) from split halves (Spearman 1904; Spearman-Brown); NaN where r <= 0.
    """

    spearman: float
    top_overlap: float
    chance_top_overlap: float
    sign: float
    n_top: int
    other_labels_spearman: float
    ceiling_spearman: float

    def to_dict(self) -> dict[str, float | int]:
        """The fields, for JSON and tables."""
        return asdict(self)


def _against(one: np.ndarray, many: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Spearman and top IoU (n,) of one map (h, w) with each of (n, h', w')."""
    a, b = common_grid(one[None], many)
    flat_a, flat_b = a.reshape(1, -1).repeat(len(b), 0), b.reshape(len(b), -1)
    return spearman(flat_a, flat_b), topk_iou(flat_a, flat_b, top)


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _high(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.95)) if len(known) else float("nan")


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
    chance, chance_iou = _against(map_t, lines.random_student.reshape(-1, *lines.random_student.shape[2:]), top)
    ceiling, ceiling_iou = _against(map_t, lines.noisy_teacher[:, k], top)
    return Agreement(
        **asdict(own),
        top=top,
        chance_spearman=_mean(chance),
        chance_high_spearman=_high(chance),
        chance_topk_iou=_mean(chance_iou),
        other_labels_spearman=_mean(others),
        centre_spearman=similarity(map_t, centre_prior(map_t.shape), top).spearman,
        ceiling_spearman=_mean(ceiling),
        ceiling_topk_iou=_mean(ceiling_iou),
    )


def lime_agreement(result: LimeResult, teacher: str, student: str, k: int, n_top: int = 6) -> LimeAgreement:
    """Agreement of two models of one LIME result on label k, over its superpixels."""
    weights_t, weights_s = result.weights[teacher][k], result.weights[student][k]
    share = n_top / len(weights_t)
    top_t = top_cells(weights_t, share) & (weights_t > 0)
    top_s = top_cells(weights_s, share) & (weights_s > 0)
    others = np.delete(result.weights[student], k, axis=0)
    halves = np.array([result.stability[name][k] for name in (teacher, student)], dtype=np.float64)
    reliable = 2 * halves / (1 + halves) if (halves > 0).all() else np.full(2, np.nan)
    return LimeAgreement(
        spearman=float(spearman(weights_t, weights_s)),
        top_overlap=float((top_t & top_s).sum() / top_t.sum()) if top_t.any() else float("nan"),
        chance_top_overlap=share,
        sign=float((np.sign(weights_t) == np.sign(weights_s)).mean()),
        n_top=n_top,
        other_labels_spearman=_mean(spearman(np.broadcast_to(weights_t, others.shape), others)),
        ceiling_spearman=float(np.sqrt(reliable.prod())),
    )
