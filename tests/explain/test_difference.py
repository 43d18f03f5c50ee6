"""Student minus teacher, in shares of what is strong for each, on the coarser grid."""

import numpy as np

from cxrkd.explain.difference import difference


def test_equal_shares_of_strong_evidence_differ_by_nothing():
    heat = np.random.default_rng(0).normal(size=(7, 7))
    np.testing.assert_allclose(difference(5 * heat, heat, 10.0, 2.0), 0, atol=1e-12)
    np.testing.assert_allclose(difference(5 * heat, heat), 0, atol=1e-12)  # each by its own largest value


def test_the_finer_map_is_averaged_onto_the_coarser():
    fine, coarse = np.arange(16.0).reshape(4, 4), np.zeros((2, 2))
    blocks = fine.reshape(2, 2, 2, 2).mean((1, 3))
    np.testing.assert_allclose(difference(fine, coarse, 2.0, 1.0), blocks / 2)
    np.testing.assert_allclose(difference(coarse, fine, 1.0, 2.0), -blocks / 2)


def test_a_map_without_evidence_counts_as_zero():
    heat = np.array([[2.0, -4.0]])
    np.testing.assert_allclose(difference(np.zeros((1, 2)), heat), [[-0.5, 1.0]])
