"""Shapley values of few players, from what every coalition of them is worth: exact, without chance.

Shapley, Contributions to the Theory of Games II, 1953. What a player adds to those who came before, averaged over all
orders of coming. In every order the additions telescope to the worth of all less the worth of none, and so do their
means: the values add up exactly, whatever the game.
"""

from __future__ import annotations

from math import comb

import numpy as np


def coalitions(n: int) -> np.ndarray:
    """All coalitions of n players, bool (2^n, n); row r holds the players whose bits are set in r."""
    return np.asarray((np.arange(2**n)[:, None] >> np.arange(n)) & 1, dtype=bool)


def shapley_values(worth: np.ndarray) -> np.ndarray:
    """Values float64 (n, K) that add up to worth[-1] - worth[0].

        phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))

    Args:
        worth: (2^n, K) of K games, in the order of `coalitions`.

    >>> shapley_values(np.array([[0.0], [1.0], [2.0], [5.0]]))[:, 0]
    array([2., 3.])
    """
    n = len(worth).bit_length() - 1
    members = coalitions(n)
    weight = np.array([1 / (n * comb(n - 1, size)) for size in range(n)])
    worth = worth.astype(np.float64)
    values = []
    for player in range(n):
        without = np.flatnonzero(~members[:, player])
        added = worth[without + (1 << player)] - worth[without]
        values.append(weight[members[without].sum(1)] @ added)
    return np.stack(values)


def additivity(worth: np.ndarray) -> np.ndarray:
    """How far a game is a sum over its players: R2 (K,) over all coalitions of the best sum; NaN if nothing matters.

    All coalitions are a balanced design, so that the best sum is that of main effects: with a player less without
    (Banzhaf's values). What is missing to 1 is what players do together and none of them alone.

    Args:
        worth: (2^n, K) of K games, in the order of `coalitions`.
    """
    signs = 2.0 * coalitions(len(worth).bit_length() - 1) - 1
    main = signs.T @ worth.astype(np.float64) / len(worth)
    variance = worth.astype(np.float64).var(0)
    return np.asarray(np.where(variance > 0, (main**2).sum(0) / np.where(variance > 0, variance, 1), np.nan))
