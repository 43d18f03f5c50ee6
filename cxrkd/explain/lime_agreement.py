"""Do two models weigh the same superpixels? Agreement of LIME's weights without the noise that the models share.

Both models see the same hidden superpixels, and what a finite draw of masks does to a regression (above all through
what is not linear in it) it does to both. The weights of two unrelated models therefore correlate, and no figure from
one model alone can tell: Spearman's formula for attenuation holds for *independent* errors only. Weights from the even
half of the masks and from the odd half share no mask, so their errors are independent, and all figures here come from
such pairs. With t_e, t_o, s_e, s_o the weights of teacher and student from the two halves:

    cross       r_ts = (corr(t_e, s_o) + corr(t_o, s_e)) / 2
    reliability r_t = corr(t_e, t_o), r_s = corr(s_e, s_o)
    agreement   r_ts / sqrt((1 + r_t) / 2 * (1 + r_s) / 2)
    ceiling     sqrt(r_t r_s) / sqrt((1 + r_t) / 2 * (1 + r_s) / 2) = sqrt(R_t R_s),  R = 2 r / (1 + r)

The covariance of two half-length scores is that of the true ones and does not depend on length; the variance of a
full-length score is (1 + r) / 2 of a half-length one (Spearman 1910, Brown 1910). So the denominator steps the cross
correlation up to the length of the weights that are drawn, and the ceiling is what two models with equal true weights
reach, since for them r_ts = r_t = r_s (attenuation: Spearman 1904, Am J Psychol 15, 72). Agreement over ceiling is the
disattenuated correlation. Ranks are used in place of values, for which the formulas hold approximately.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import ndimage

from cxrkd.explain import chance
from cxrkd.explain.agreement import Judged
from cxrkd.explain.chance import ChanceLine
from cxrkd.explain.lime import LimeResult
from cxrkd.explain.overlay import upsample
from cxrkd.explain.similarity import spearman, top_cells
from cxrkd.explain.yardsticks import Reference, centre_prior

_RANKINGS = 400


@dataclass(frozen=True)
class LimeAgreement(Judged):
    """Two models' LIME weights of one label over the same superpixels (figures: Krishna et al., TMLR 2024, 2202.01602).

    Chance lines are random rankings of the student's superpixels, the student's Grad-CAM of the label on other films
    and its mean map, both summed within the superpixels, and a bump in the middle, averaged within them. Maps of
    another method stand in for the student's LIME on other films, whose superpixels are others: a milder line than
    those of maps.

    Attributes:
        top_overlap: share of the teacher's `n_top` heaviest positive superpixels that are also the student's.
        chance_top_overlap: what two random rankings would give, n_top / S.
        sign: share of superpixels whose weights have the same sign; chance is 0.5 where signs are balanced.
        n_top: how many superpixels count as heaviest.
    """

    ceiling_title = "equal models, other masks"
    titles: ClassVar[Mapping[str, str]] = {
        "top_overlap": "Share of the teacher's top superpixels found",
        "chance_top_overlap": "… its chance: random rankings",
        "sign": "Same sign",
    }

    top_overlap: float
    chance_top_overlap: float
    sign: float
    n_top: int


def lime_agreement(
    result: LimeResult, teacher: str, student: str, k: int, reference: Reference | None = None, n_top: int = 6
) -> LimeAgreement:
    """Agreement of two models of one LIME result on label k, over its superpixels; see the module for the figures.

    Args:
        result: of both models.
        teacher: a name in it.
        student: another one.
        k: the label.
        reference: the student's Grad-CAMs of other films, where they are kept.
        n_top: superpixels that count as heaviest.
    """
    halves_t, halves_s = result.halves[teacher][:, k], result.halves[student]
    all_labels = _stepped_up(halves_t, halves_s)
    others = np.delete(all_labels, k)
    known = others[~np.isnan(others)]
    crossed = [(halves_t[0], halves_s[1, k]), (halves_t[1], halves_s[0, k])]
    return LimeAgreement(
        spearman=float(all_labels[k]),
        lines=_lines(result, teacher, halves_t, halves_s[:, k], k, reference),
        other_labels_spearman=float(known.mean()) if len(known) else float("nan"),
        ceiling_spearman=_ceiling(halves_t, halves_s[:, k]),
        top_overlap=float(np.mean([_top_overlap(t, s, n_top) for t, s in crossed])),
        chance_top_overlap=n_top / halves_t.shape[-1],
        sign=float(np.mean([(np.sign(t) == np.sign(s)).mean() for t, s in crossed])),
        n_top=n_top,
    )


def _stepped_up(halves_t: np.ndarray, halves_s: np.ndarray) -> np.ndarray:
    """Agreement (n,) of the teacher's halves (2, S) with each of the student's (2, n, S), at full length."""
    even_t, odd_t = (np.broadcast_to(half, halves_s[0].shape) for half in halves_t)
    cross = (spearman(even_t, halves_s[1]) + spearman(odd_t, halves_s[0])) / 2
    r_t, r_s = spearman(*halves_t), spearman(halves_s[0], halves_s[1])
    length = np.sqrt((1 + np.maximum(r_t, 0)) / 2 * (1 + np.maximum(r_s, 0)) / 2)
    return np.asarray(np.clip(cross / length, -1, 1))


def _ceiling(halves_t: np.ndarray, halves_s: np.ndarray) -> float:
    """sqrt(R_t R_s) of halves (2, S); NaN where the weights of a model do not repeat at all."""
    halves = np.array([spearman(*halves_t), spearman(*halves_s)], dtype=np.float64)
    return float(np.sqrt((2 * halves / (1 + halves)).prod())) if (halves > 0).all() else float("nan")


def _top_overlap(weights_t: np.ndarray, weights_s: np.ndarray, n_top: int) -> float:
    share = n_top / len(weights_t)
    top_t, top_s = (top_cells(weights, share) & (weights > 0) for weights in (weights_t, weights_s))
    return float((top_t & top_s).sum() / top_t.sum()) if top_t.any() else float("nan")


def _lines(
    result: LimeResult,
    teacher: str,
    halves_t: np.ndarray,
    halves_s: np.ndarray,
    k: int,
    reference: Reference | None,
) -> tuple[ChanceLine, ...]:
    segments, weights_t = result.segments, result.weights[teacher][k]
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(len(weights_t)), (_RANKINGS, 1)), axis=1)
    areas = np.bincount(segments.reshape(-1))
    bump = _summed(centre_prior(segments.shape)[None], segments) / areas
    kept = {
        "other_film": None if reference is None else _summed(reference.other_films[:, k], segments),
        "label_mean": None if reference is None else _summed(reference.label_means[:, k], segments),
        "centre": bump,
    }
    return (
        chance.line("random_ranking", _stepped_up(halves_t, halves_s[:, orders])),
        *(chance.line(name, None if v is None else _each(weights_t, v)) for name, v in kept.items()),
    )


def _each(weights: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Spearman (n,) of weights (S,) with each of (n, S)."""
    return spearman(np.broadcast_to(weights, many.shape), many)


def _summed(maps: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """What maps (n, h, w) hold within each superpixel, (n, S): hiding one takes all of it away."""
    index = np.arange(segments.max() + 1)
    return np.stack([ndimage.sum_labels(upsample(one, segments.shape), segments, index) for one in maps])
