"""Agreement of two maps that come from the same random masks, without the noise that the masks share.

What a finite draw of masks does to one network's map it does to another's, so the maps of unrelated networks correlate,
and no figure from one map alone can tell: Spearman's formula for attenuation holds for *independent* errors only. Maps
from the even half of the masks and from the odd half share no mask, so their errors are independent, and all figures
here come from such pairs. With t_e, t_o, s_e, s_o the maps of teacher and student from the two halves:

    cross       r_ts = (corr(t_e, s_o) + corr(t_o, s_e)) / 2
    reliability r_t = corr(t_e, t_o), r_s = corr(s_e, s_o)
    agreement   r_ts / sqrt((1 + r_t) / 2 * (1 + r_s) / 2)
    ceiling     sqrt(r_t r_s) / sqrt((1 + r_t) / 2 * (1 + r_s) / 2) = sqrt(R_t R_s),  R = 2 r / (1 + r)

The covariance of two half-length scores is that of the true ones and does not depend on length; the variance of a
full-length score is (1 + r) / 2 of a half-length one (Spearman 1910, Brown 1910). So the denominator steps the cross
correlation up to the length of the maps that are drawn, and the ceiling is what two models with equal true maps
reach, since for them r_ts = r_t = r_s (attenuation: Spearman 1904, Am J Psychol 15, 72). Agreement over ceiling is the
disattenuated correlation. Ranks are used in place of values, for which the formulas hold approximately.
"""

from __future__ import annotations

import numpy as np

from cxrkd.explain.similarity import spearman


def stepped_up(halves_t: np.ndarray, halves_s: np.ndarray) -> np.ndarray:
    """Agreement (n,) of the teacher's halves (2, S) with each of the student's (2, n, S), at full length.

    Halves that are equal, of maps without chance in them, give the rank correlation of the maps.
    """
    even_t, odd_t = (np.broadcast_to(half, halves_s[0].shape) for half in halves_t)
    cross = (spearman(even_t, halves_s[1]) + spearman(odd_t, halves_s[0])) / 2
    r_t, r_s = spearman(*halves_t), spearman(halves_s[0], halves_s[1])
    length = np.sqrt((1 + np.maximum(r_t, 0)) / 2 * (1 + np.maximum(r_s, 0)) / 2)
    return np.asarray(np.clip(cross / length, -1, 1))


def ceiling(halves_t: np.ndarray, halves_s: np.ndarray) -> float:
    """sqrt(R_t R_s) of halves (2, S); NaN where the maps of a model do not repeat at all."""
    halves = np.array([spearman(*halves_t), spearman(*halves_s)], dtype=np.float64)
    return float(np.sqrt((2 * halves / (1 + halves)).prod())) if (halves > 0).all() else float("nan")
