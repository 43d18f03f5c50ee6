"""The front against a case worked by hand, and against its definition."""

import math

import numpy as np

from cxrkd.evaluate.pareto import pareto_front


def test_a_case_worked_by_hand():
    macs = [570, 2800, 2800, 570, 100, 5000]
    auroc = [0.80, 0.85, 0.84, 0.80, 0.60, 0.85]
    # Equal twins both stand; 2800 at .84 and 5000 at .85 are beaten by 2800 at .85.
    assert pareto_front(macs, auroc) == [True, True, False, True, True, False]


def test_what_is_not_known_is_neither_on_the_front_nor_beats_anybody():
    assert pareto_front([1, math.nan, 2], [0.5, 0.9, math.nan]) == [True, False, False]
    assert pareto_front([], []) == []


def test_each_off_the_front_is_beaten_by_one_on_it():
    rng = np.random.default_rng(0)
    costs, gains = rng.integers(0, 8, 60), rng.integers(0, 8, 60)
    on = np.array(pareto_front(costs, gains))
    for cost, gain in zip(costs[~on], gains[~on], strict=True):
        assert ((costs[on] <= cost) & (gains[on] >= gain) & ((costs[on] < cost) | (gains[on] > gain))).any()
    for cost, gain in zip(costs[on], gains[on], strict=True):
        assert not ((costs <= cost) & (gains >= gain) & ((costs < cost) | (gains > gain))).any()
