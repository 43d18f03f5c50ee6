"""Do two models weigh the same superpixels? Agreement of LIME's weights without the noise that the models share.

Both models see the same hidden superpixels, so all figures here are of weights from halves of the masks that have none
in common: see `cxrkd.explain.halves`.
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
from cxrkd.explain.halves import ceiling, stepped_up
from cxrkd.explain.lime_result import LimeResult
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
        n_rounds: of masks that both saw. A single one cannot be halved, and then nothing here is known.
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
    n_rounds: int

    @property
    def verdict(self) -> str:
        """`above_chance` in words."""
        return super().verdict if self.n_rounds > 1 else "known after a second round of masks"


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
    all_labels = stepped_up(halves_t, halves_s)
    others = np.delete(all_labels, k)
    known = others[~np.isnan(others)]
    crossed = [(halves_t[0], halves_s[1, k]), (halves_t[1], halves_s[0, k])]
    return LimeAgreement(
        spearman=float(all_labels[k]),
        lines=_lines(result, teacher, halves_t, halves_s[:, k], k, reference),
        other_labels_spearman=float(known.mean()) if len(known) else float("nan"),
        ceiling_spearman=ceiling(halves_t, halves_s[:, k]),
        top_overlap=float(np.mean([_top_overlap(t, s, n_top) for t, s in crossed])),
        chance_top_overlap=n_top / halves_t.shape[-1],
        sign=float(np.mean([_same_sign(t, s) for t, s in crossed])),
        n_top=n_top,
        n_rounds=min(result.n_rounds(teacher), result.n_rounds(student)),
    )


def _same_sign(weights_t: np.ndarray, weights_s: np.ndarray) -> float:
    """Share of superpixels; NaN where weights are not known."""
    if np.isnan(weights_t).any() or np.isnan(weights_s).any():
        return float("nan")
    return float((np.sign(weights_t) == np.sign(weights_s)).mean())


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
        chance.line("random_ranking", stepped_up(halves_t, halves_s[:, orders])),
        *(chance.line(name, None if v is None else _each(weights_t, v)) for name, v in kept.items()),
    )


def _each(weights: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Spearman (n,) of weights (S,) with each of (n, S)."""
    return spearman(np.broadcast_to(weights, many.shape), many)


def _summed(maps: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """What maps (n, h, w) hold within each superpixel, (n, S): hiding one takes all of it away."""
    index = np.arange(segments.max() + 1)
    return np.stack([ndimage.sum_labels(upsample(one, segments.shape), segments, index) for one in maps])
