"""Train, validation and test by patient, with every label in proportion."""

from __future__ import annotations

import numpy as np

from cxrkd.data.cohort import SPLITS
from cxrkd.errors import DataError

SHARES = (0.7, 0.1, 0.2)


def split_by_patient(
    patients: np.ndarray, seed: int, shares: tuple[float, float, float] = SHARES, targets: np.ndarray | None = None
) -> np.ndarray:
    """Assign whole patients at random to train, val and test.

    With `targets`, each label's patients are dealt out in proportion, the rarest label first (after Sechidis et al.,
    "On the stratification of multi-label data", ECML 2011), so that a rare label is not missing from a small split.

    Args:
        patients: identifiers (N,), one per image.
        seed: of the assignment; the same patients and seed give the same split in any row order.
        shares: of the patients, in the order of SPLITS, adding up to one; every split gets at least one patient.
        targets: (N, K), a label is present where above 0.5; None ignores labels.

    Returns:
        Split names, str (N,).

    Raises:
        DataError: fewer than three patients, or shares that do not add up to one.
    """
    return np.array(SPLITS)[_assign(patients, seed, shares, targets)]


def carve_val(patients: np.ndarray, seed: int, share: float, targets: np.ndarray | None = None) -> np.ndarray:
    """Take whole patients out of a published training list for validation, every label in proportion.

    Args:
        patients: identifiers (N,) of the published training list only.
        seed: of the choice.
        share: of the patients, above 0 and below 1.
        targets: (N, K) or None, as in `split_by_patient`.

    Returns:
        "train" or "val", str (N,).

    Raises:
        DataError: fewer than two patients, or a share that leaves one side empty.
    """
    return np.array(SPLITS[:2])[_assign(patients, seed, (1 - share, share), targets)]


def _assign(patients: np.ndarray, seed: int, shares: tuple[float, ...], targets: np.ndarray | None) -> np.ndarray:
    """Index of the part of each image, int (N,)."""
    names, inverse = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if len(names) < len(shares) or abs(sum(shares) - 1) > 1e-6 or min(shares) <= 0:
        raise DataError(
            f"A split needs at least {len(shares)} patients and positive shares that add up to one; "
            f"got {len(names)} patients and shares {shares}."
        )
    groups = [np.ones(len(names), bool)]
    if targets is not None:
        has = np.zeros((len(names), targets.shape[1]), bool)
        np.logical_or.at(has, inverse, targets > 0.5)
        groups = [has[:, k] for k in np.argsort(has.sum(0), kind="stable")] + groups
    return _deal(groups, shares, np.random.default_rng([seed, len(names)]))[inverse]


def _deal(groups: list[np.ndarray], shares: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Index of the part of each patient (P,), group after group (bool (P,)), keeping each group's shares.

    The first part takes what the others leave.
    """
    order = rng.permutation(len(groups[0]))
    split = np.full(len(order), -1)
    for group in groups:
        free = order[(group & (split < 0))[order]]
        for index in (*range(1, len(shares)), 0):
            wanted = max(1, round(group.sum() * shares[index])) - np.sum(group & (split == index))
            taken = free[: max(0, int(wanted))] if index else free
            split[taken] = index
            free = free[len(taken) :]
    return split
