"""Which superpixels are hidden together: orthogonal, balanced masks, block by block.

LIME draws every mask by fair coins. Such draws hide some superpixels more often than others, and some pairs of them
more often together, and all of that is noise of the weights. Here the masks of a block are the rows of a Hadamard
matrix and their complements (Plackett and Burman, Biometrika 1946, 33, 305; "foldover": Box and Wilson, J R Stat Soc B
1951, 13, 1), with columns drawn at random and turned over by fair coins (Owen, Statistica Sinica 1992, 2, 439):

- each mask alone is what LIME draws, a fair coin per superpixel, so the weights estimate the same thing;
- in a block each superpixel is seen in half of the masks, and each two of them are seen together, apart and not at all
  equally often, so that no weight is taken for another's;
- a mask's complement is there, too, so that what hangs on two superpixels at once, or on four, leaves weights alone;
- blocks are independent draws, so weights from different ones tell how well they repeat.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def hadamard(n: int) -> np.ndarray:
    """The smallest Hadamard matrix of at least n rows that two constructions give: entries -1 and 1, int8, H H' = m I.

    Sylvester's doubling (1867) of Paley's first construction (J Math Phys 1933, 12, 311), whose order is a prime of the
    form 4 k - 1 plus one. From 9 to 1000 the order is at most a third more than n.
    """
    order, core = min(_orders(n))
    matrix = _paley(core - 1) if core > 1 else np.ones((1, 1), np.int8)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    matrix.setflags(write=False)
    return matrix


def _orders(n: int) -> list[tuple[int, int]]:
    """Orders of at least n that doubling gives, each with its core: for each number of doublings the smallest."""
    orders, doubled = [], 1
    while doubled < 2 * n:
        least = -(-n // doubled)
        core = next(c for c in range(least, 8 * least + 8) if c == 1 or (c % 4 == 0 and _is_prime(c - 1)))
        orders.append((core * doubled, core))
        doubled *= 2
    return orders


def _is_prime(q: int) -> bool:
    return q > 1 and all(q % i for i in range(2, int(q**0.5) + 1))


def _paley(q: int) -> np.ndarray:
    """Order q + 1 for a prime q = 4 k - 1, from which numbers are squares modulo q."""
    square = np.full(q, -1, np.int8)
    square[np.arange(1, q) ** 2 % q] = 1
    square[0] = 0
    numbers = np.arange(q)
    matrix = np.ones((q + 1, q + 1), np.int8)
    matrix[1:, 0] = -1
    matrix[1:, 1:] = square[(numbers[:, None] - numbers) % q] + np.eye(q, dtype=np.int8)
    return matrix


def block_size(n_segments: int) -> int:
    """Masks of a block: each row of the matrix and its complement."""
    return 2 * len(hadamard(n_segments))


def block(n_segments: int, seed: int, number: int, size: int | None = None) -> np.ndarray:
    """Which segments are seen, bool (size, n_segments): a mask, its complement, the next mask, and so on.

    Args:
        n_segments: how many there are.
        seed: the same seed gives the same blocks.
        number: of the block, from 0.
        size: masks, even; a whole block unless told. Fewer are a random part of one, which is balanced but not quite
            orthogonal.
    """
    rows = hadamard(n_segments)
    draw = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    order = draw.permutation(len(rows))[: None if size is None else size // 2]
    columns = draw.permutation(len(rows))[:n_segments]
    seen = rows[order][:, columns] * draw.choice(np.array([-1, 1], np.int8), n_segments) > 0
    return np.stack([seen, ~seen], axis=1).reshape(-1, n_segments)
