"""What is known of a film, by the labels of a run: a data set may write them otherwise, or know others."""

from __future__ import annotations

import numpy as np

from cxrkd.images.film import Film
from cxrkd.labels import label_key


def is_present(film: Film, label: str) -> bool:
    """Whether the label is known to be present."""
    return label_key(label) in {label_key(one) for one in film.present or ()}


def marked(film: Film, label: str) -> np.ndarray | None:
    """Where it is marked, bool (S, S) at the side of the networks' input; None where nobody marked it."""
    if film.truth is None:
        return None
    keys = [label_key(one) for one in film.truth.labels]
    if label_key(label) not in keys:
        return None
    mask = film.truth.masks(len(film.tones))[keys.index(label_key(label))]
    return np.asarray(mask) if mask.any() else None
