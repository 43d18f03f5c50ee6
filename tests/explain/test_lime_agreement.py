"""LIME of two models over shared masks: agreement, chance and ceiling stand on one footing."""

import numpy as np
import pytest

from cxrkd.explain.designs import block
from cxrkd.explain.lime_agreement import lime_agreement
from cxrkd.explain.lime_result import LimeResult, Sampling, fitted
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.yardsticks import Reference

S = 36


def result_of(halves_t, halves_s, weights_t=None, side=6):
    """A result over a grid of superpixels, from halves (2, K, S) of a teacher and a student."""
    n = halves_t.shape[-1]
    segments = np.kron(np.arange(n).reshape(-1, side), np.ones((4, 4), int)).astype(np.int32)
    none = {"t": np.zeros(len(halves_t[0])), "s": np.zeros(len(halves_t[0]))}
    weights = {"t": halves_t.mean(0) if weights_t is None else weights_t, "s": halves_s.mean(0)}
    answers = {"t": np.zeros((101, len(halves_t[0]))), "s": np.zeros((101, len(halves_t[0])))}
    return LimeResult(segments, weights, none, none, {"t": halves_t, "s": halves_s}, none, SAMPLING, answers)


SIZE = 50
SAMPLING = Sampling(LimeSettings(), SIZE, "logit")


def simulated(seed, *, equal, noise=2.5):
    """Two models of two labels that react alike to the masks, in a way that is not linear in them.

    What they share is a function of the mask alone, so it is an error of both regressions; their weights are either
    unrelated or the same.
    """
    rng = np.random.default_rng(seed)
    sampling = Sampling(LimeSettings(seed=seed), SIZE, "logit")
    masks = np.concatenate([np.ones((1, S), bool), *(block(S, seed, i, SIZE) for i in range(4))])
    true_t = rng.normal(size=(2, S))
    true_s = true_t if equal else rng.normal(size=(2, S))
    shared = noise * np.sqrt(S) / 2 * rng.normal(size=(len(masks), 2))
    answers = {name: masks @ true.T + shared for name, true in (("t", true_t), ("s", true_s))}
    return fitted(np.arange(S, dtype=np.int32).reshape(6, 6), sampling, answers)


def kept(rng):
    return Reference(rng.normal(size=(24, 2, 3, 3)), rng.normal(size=(12, 2, 3, 3)), np.ones(2))


@pytest.fixture(scope="module")
def unrelated():
    return [lime_agreement(r, "t", "s", 0, kept(np.random.default_rng(i))) for i, r in enumerate(map(sim, range(120)))]


def sim(seed):
    return simulated(seed, equal=False)


def test_unrelated_models_that_share_their_masks_are_not_above_chance_or_ceiling(unrelated):
    assert abs(np.mean([a.spearman for a in unrelated])) < 0.05
    assert np.mean([a.above_chance for a in unrelated]) <= 0.1
    assert np.mean([a.ceiling_spearman < a.spearman for a in unrelated]) < 0.1
    assert abs(np.mean([a.sign for a in unrelated]) - 0.5) < 0.03
    assert abs(np.mean([a.other_labels_spearman for a in unrelated])) < 0.05
    old = [np.corrcoef(r.weights["t"][0], r.weights["s"][0])[0, 1] for r in map(sim, range(20))]
    assert np.mean(old) > 0.5, "the weights from the same masks do correlate"


def test_equal_models_reach_the_ceiling():
    pairs = [lime_agreement(simulated(seed, equal=True, noise=0.6), "t", "s", 1) for seed in range(80)]
    assert np.mean([a.spearman for a in pairs]) == pytest.approx(np.mean([a.ceiling_spearman for a in pairs]), abs=0.02)
    assert np.mean([a.ceiling_spearman for a in pairs]) > 0.5


def test_the_formula_is_that_of_spearman_and_brown():
    """Independent errors by construction: cross over length is what weights from all masks would correlate."""
    rng = np.random.default_rng(0)
    n, noise = 2_500, 1.3
    true_t = rng.normal(size=(1, n))
    true_s = 0.6 * true_t + 0.8 * rng.normal(size=(1, n))
    halves_t, halves_s = (np.stack([true + noise * rng.normal(size=(1, n)) for _ in "eo"]) for true in (true_t, true_s))
    found = lime_agreement(result_of(halves_t, halves_s, side=50), "t", "s", 0)
    full = [true + noise / np.sqrt(2) * rng.normal(size=(1, n)) for true in (true_t, true_s)]
    assert found.spearman == pytest.approx(rank_corr(*full), abs=0.05)
    assert found.ceiling_spearman == pytest.approx(1 / (1 + noise**2 / 2), abs=0.04)
    assert found.spearman / found.ceiling_spearman == pytest.approx(rank_corr(true_t, true_s), abs=0.05)


def rank_corr(a, b):
    from scipy.stats import spearmanr

    return spearmanr(a[0], b[0]).statistic


def test_equal_weights_without_noise_are_one():
    halves = np.repeat(np.random.default_rng(0).normal(size=(1, 3, S)), 2, axis=0)
    found = lime_agreement(result_of(halves, halves), "t", "s", 1, n_top=6)
    assert (found.spearman, found.ceiling_spearman) == pytest.approx((1, 1))
    assert (found.top_overlap, found.sign) == (1, 1)
    assert found.chance_top_overlap == pytest.approx(6 / S)
    assert abs(found.other_labels_spearman) < 0.5
    assert found.above_chance is None, "no maps of other films are kept"
    assert [one.name for one in found.lines] == ["random_ranking", "other_film", "label_mean", "centre"]


def test_a_map_of_the_anatomy_is_a_chance_line():
    """The student's mean map says what the teacher's weights say: agreement with it is no agreement on this film."""
    grid = np.random.default_rng(4).normal(size=(6, 6))
    halves = np.repeat(grid.reshape(1, 1, -1), 2, axis=0)
    maps = np.repeat(grid[None, None], 24, axis=0)
    found = lime_agreement(result_of(halves, halves), "t", "s", 0, Reference(maps, maps[:12], np.ones(1)))
    by_name = {one.name: one for one in found.lines}
    assert by_name["label_mean"].high > 0.95
    assert by_name["random_ranking"].high == pytest.approx(1.645 / np.sqrt(S - 1), abs=0.08)


def test_weights_that_do_not_repeat_have_no_ceiling():
    even = np.random.default_rng(0).normal(size=(1, S))
    found = lime_agreement(result_of(np.stack([even, -even]), np.stack([even, even])), "t", "s", 0)
    assert np.isnan(found.ceiling_spearman)
    assert np.isnan(found.other_labels_spearman), "one label has no others"
    assert found.spearman == pytest.approx(0)


def test_after_one_round_nothing_is_known_of_agreement():
    sampling = Sampling(LimeSettings(), 80, "logit")
    masks = np.concatenate([np.ones((1, S), bool), block(S, 0, 0, 80)])
    weights = np.random.default_rng(3).normal(size=(S, 2))
    one = fitted(np.arange(S, dtype=np.int32).reshape(6, 6), sampling, {"t": masks @ weights, "s": masks @ weights})
    known = lime_agreement(one, "t", "s", 0)
    assert np.isnan([known.spearman, known.sign, known.top_overlap, known.ceiling_spearman]).all()
    assert known.above_chance is None
    assert known.verdict == "known after a second round of masks"


def test_without_positive_evidence_there_is_no_overlap():
    halves = np.repeat(-np.ones((1, 1, S)) - np.arange(S), 2, axis=0)
    assert np.isnan(lime_agreement(result_of(halves, halves), "t", "s", 0).top_overlap)


def test_the_halves_have_no_mask_in_common_and_leave_out_the_unchanged_image():
    segments, sampling = np.arange(12, dtype=np.int32).reshape(3, 4), Sampling(LimeSettings(), 24, "logit")
    masks = np.concatenate([np.ones((1, 12), bool), *(block(12, 0, i) for i in range(3))])
    outputs = masks @ np.arange(12.0)[:, None]

    def halves(rows, by):
        changed = outputs.copy()
        changed[rows] += by
        return fitted(segments, sampling, {"m": changed}).halves["m"]

    draw, plain = np.random.default_rng(0), halves([], 0)
    np.testing.assert_array_equal(plain, halves([0], 100))
    np.testing.assert_array_equal(plain, halves(slice(49, 73), 100)), "the last of three rounds has no partner"
    even, odd = plain - halves(slice(25, 49), draw.normal(size=(24, 1)))
    assert np.abs(even).max() == 0
    assert np.abs(odd).max() > 0.1
