"""What one run of LIME says of a second one: held against second runs."""

import numpy as np
import pytest

from cxrkd.explain.similarity import spearman
from cxrkd.explain.stability import Stability, lengthened, repeats


def runs(true, noise, n_blocks, seed):
    """Weights (n_blocks, K, S) of independent blocks around true ones."""
    return true + noise * np.random.default_rng(seed).normal(size=(n_blocks, *true.shape))


@pytest.mark.parametrize("n_blocks", [2, 3, 5, 8])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_prediction_is_what_two_runs_give(n_blocks, noise):
    """True weights as on films: a few heavy, most next to nothing (a Laplace draw)."""
    true = np.random.default_rng(0).laplace(size=(200, 40))
    first, second = (runs(true, noise, n_blocks, seed) for seed in (1, 2))
    actual = spearman(first.mean(0), second.mean(0))
    assert -0.05 < repeats(first).mean() - actual.mean() < 0.02, "rather a little too low than too high"


def test_weights_that_are_noise_do_not_repeat():
    assert repeats(runs(np.zeros((50, 40)), 1, 4, 0)).mean() < 0.15


def test_one_block_knows_nothing_and_equal_weights_have_no_order():
    assert np.isnan(repeats(runs(np.zeros((3, 9)), 1, 1, 0))).all()
    found = repeats([np.stack([np.arange(9.0), np.zeros(9)])] * 4)
    assert found[0] == pytest.approx(1)
    assert np.isnan(found[1])


def test_longer_runs_repeat_better():
    np.testing.assert_allclose(lengthened(np.array([0.3, 0.8]), 1), [0.3, 0.8])
    assert (lengthened(np.array([0.3, 0.8]), 2) > [0.3, 0.8]).all()
    np.testing.assert_array_equal(lengthened(np.array([-0.5, 0, 1]), 3), [0, 0, 1])


@pytest.mark.parametrize(
    ("known", "words", "enough"),
    [
        (Stability(np.nan, 0.9, 81, 1000, False), "a first look", False),
        (Stability(0.8499, 0.9, 161, 1000, False), "correlation of 0.84; asked for: 0.90.", False),
        (Stability(0.9, 0.9, 321, 1000, True), "Stable: after 321", True),
        (
            Stability(0.8999, 0.9, 1000, 1000, True),
            "Not stable: after 1,000 altered films per model, of at most",
            False,
        ),
        (Stability(np.nan, 0.9, 161, 1000, True), "no weight differs", True),
    ],
)
def test_what_is_said(known, words, enough):
    assert words in known.sentence()
    assert known.enough is enough
    assert known.to_dict()["sentence"] == known.sentence()


def test_a_target_that_was_missed_is_never_rounded_up():
    assert "0.89;" in Stability(0.8999, 0.9, 999, 1000, True).sentence()
