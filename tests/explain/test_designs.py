"""Balanced masks: what LIME would draw one by one, without the imbalance of a finite draw."""

import numpy as np
import pytest

from cxrkd.explain.designs import block, block_size, hadamard


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 12, 13, 20, 35, 37, 45, 61, 64, 65, 120])
def test_rows_are_orthogonal(n):
    matrix = hadamard(n).astype(int)
    assert n <= len(matrix) <= max(8, 4 * n / 3)
    np.testing.assert_array_equal(np.abs(matrix), 1)
    np.testing.assert_array_equal(matrix @ matrix.T, len(matrix) * np.eye(len(matrix), dtype=int))


def test_a_power_of_two_is_the_matrix_of_scipy_or_no_larger():
    from scipy.linalg import hadamard as sylvester

    for n in (2, 4, 8, 16, 32, 64):
        assert hadamard(n).shape == sylvester(n).shape


@pytest.mark.parametrize("n_segments", [5, 20, 35, 63])
def test_each_superpixel_and_each_two_are_seen_equally_often(n_segments):
    masks = block(n_segments, seed=3, number=0)
    assert masks.shape == (block_size(n_segments), n_segments)
    signs = np.where(masks, 1, -1)
    np.testing.assert_array_equal(signs.sum(0), 0)
    np.testing.assert_array_equal(signs.T @ signs, len(masks) * np.eye(n_segments, dtype=int))


def test_masks_come_with_their_complements():
    masks = block(20, 0, 0)
    np.testing.assert_array_equal(masks[0::2], ~masks[1::2])


def test_two_superpixels_at_once_leave_the_weight_of_a_third_alone():
    masks = block(20, 1, 0)
    signs = np.where(masks, 1, -1)
    assert (signs[:, 2] * signs[:, 7]) @ signs[:, 4] == 0


def test_a_single_mask_is_a_fair_coin_for_each_superpixel():
    """Over many seeds a row of a block has the counts of independent coins: mean, spread, and each two of them."""
    first = np.stack([block(12, seed, 0)[0] for seed in range(4000)])
    assert np.abs(first.mean(0) - 0.5).max() < 0.035
    assert first.sum(1).var() == pytest.approx(12 / 4, rel=0.1)
    assert np.abs(np.corrcoef(first.T) - np.eye(12)).max() < 0.07


def test_blocks_and_seeds_differ_and_repeat():
    np.testing.assert_array_equal(block(9, 4, 1), block(9, 4, 1))
    assert not np.array_equal(block(9, 4, 1), block(9, 4, 2))
    assert not np.array_equal(block(9, 4, 1), block(9, 5, 1))


def test_a_part_of_a_block_is_still_balanced():
    masks = block(20, 0, 0, size=10)
    assert masks.shape == (10, 20)
    np.testing.assert_array_equal(masks.sum(0), 5)
