"""Brings logits, targets and patients into one shape, or says which of them does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cxrkd.errors import DataError

MIN_POSITIVE_PATIENTS = 10
"""Positive patients (not images) below which a label has "not enough cases": no figure, and no part in any mean."""


@dataclass(frozen=True)
class Cases:
    """What N images are known to show.

    Attributes:
        targets: float64 (N, K): 1, 0, or NaN where unknown.
        patients: str (N,).
        labels: K names.
    """

    targets: np.ndarray
    patients: np.ndarray
    labels: tuple[str, ...]

    def known(self, k: int) -> np.ndarray:
        """Rows (n,) whose label k is known."""
        return np.flatnonzero(~np.isnan(self.targets[:, k]))

    def positive(self, k: int) -> np.ndarray:
        """Bool (n,) over `known(k)`: the label is present."""
        return self.targets[self.known(k), k] > 0.5

    @cached_property
    def row_of(self) -> np.ndarray:
        """Int (N,): the patient of each image, numbered 0..P-1."""
        return np.unique(self.patients, return_inverse=True)[1]

    @property
    def n_patients(self) -> int:
        """Distinct patients P."""
        return int(self.row_of.max()) + 1 if len(self.row_of) else 0

    def positive_patients(self, k: int) -> int:
        """Distinct patients with the label present on at least one image."""
        return len(np.unique(self.row_of[self.targets[:, k] > 0.5]))

    def evaluable(self, min_patients: int) -> np.ndarray:
        """Bool (K,): at least `min_patients` positive patients and one negative image."""
        positives = np.array([self.positive_patients(k) for k in range(len(self.labels))])
        negatives = (self.targets <= 0.5).sum(axis=0)
        return (positives >= max(min_patients, 1)) & (negatives >= 1)


def as_cases(targets: ArrayLike, patients: ArrayLike, labels: Sequence[str]) -> Cases:
    """Check and convert.

    Raises:
        DataError: shapes do not fit, or a target is neither 0, 1 nor NaN.
    """
    values, who = np.asarray(targets, dtype=np.float64), np.asarray(patients).astype(str)
    if values.ndim != 2 or values.shape[1] != len(labels):
        raise DataError(f"expected targets of shape (images, {len(labels)} labels), got {values.shape}")
    if who.shape != values.shape[:1]:
        raise DataError(f"expected one patient for each of {len(values)} images, got shape {who.shape}")
    if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        raise DataError("targets must be 1 (present), 0 (absent) or NaN (unknown); other values came")
    return Cases(values, who, tuple(labels))


def as_seeds(logits: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Logits (N, K) or (R, N, K) as float64 (R, N, K); a column of NaN is a label that the model does not know.

    Raises:
        DataError: the shape does not fit, a logit is infinite, or NaN while others of its label are not.
    """
    values = np.asarray(logits, dtype=np.float64)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[1:] != shape or len(values) == 0:
        raise DataError(f"expected logits of shape {shape} or (seeds, {shape[0]}, {shape[1]}), got {np.shape(logits)}")
    unknown = np.isnan(values)
    if (unknown != unknown.all(axis=(0, 1))).any() or np.isinf(values).any():
        raise DataError(
            "logits contain NaN or infinity: the training diverged; lower its learning rate and train again"
        )
    return values


def has_answer(logits: np.ndarray) -> np.ndarray:
    """Bool (K,) of logits (R, N, K): the model was taught the label; else its whole column is NaN."""
    return np.asarray(~np.isnan(logits).any(axis=(0, 1)))
