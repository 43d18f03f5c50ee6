"""What maps of a film are held against: those of other films, of random students, of the teacher under light noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Reference:
    """Maps of one network by one method on films that it was not trained on.

    Each map is scaled to a largest magnitude of 1: what they are for (ranks, hottest cells) does not see the scale.

    Attributes:
        other_films: float32 (m, K, h, w), raw signed maps of m films.
        label_means: float32 (g, K, h, w), mean maps of g disjoint groups of films, so that their scatter is known.
        strong: float32 (K,), the largest evidence for a label (one cell, raw units) that 95 % of the films do not
            exceed: what strong evidence is for this network; 0 where no film has any.
    """

    other_films: np.ndarray
    label_means: np.ndarray
    strong: np.ndarray


@dataclass(frozen=True)
class Baselines:
    """What agreement is held against, for one image, pair of models and method; see `baselines`.

    Attributes:
        noisy_teacher: float32 (n, K, h, w), the teacher's maps of n noisy copies of the image; none where the explainer
            does not need them.
        random_student: float32 (m, K, h', w'), maps of m students with freshly drawn weights; likewise.
        reference: the student's maps of other films; None where none are kept, and then no agreement is above chance.
    """

    noisy_teacher: np.ndarray
    random_student: np.ndarray
    reference: Reference | None = None


def centre_prior(shape: tuple[int, int]) -> np.ndarray:
    """A Gaussian bump (h, w) in the middle with a standard deviation of a quarter of the image."""
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in shape)
    return np.exp(-(y[:, None] ** 2 + x[None] ** 2) / (2 * 0.25**2))
