"""Means over a cohort: the textbook's interval for one image a patient, and one that holds the truth for more."""

import numpy as np
import pytest
from scipy import stats

from cxrkd.errors import DataError
from cxrkd.evaluate.means import mean_by_patient


def test_one_image_a_patient_is_students_interval():
    values = np.random.default_rng(0).normal(size=40)
    mean = mean_by_patient(values, np.arange(40))
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert mean.value == pytest.approx(values.mean())
    assert mean.high - mean.value == pytest.approx(half, rel=0.03)
    assert mean.low == pytest.approx(2 * mean.value - mean.high)
    assert (mean.n, mean.n_patients) == (40, 40)


def test_copies_of_an_image_tell_nothing_new():
    rng = np.random.default_rng(1)
    values, patients = rng.normal(size=30), np.arange(30)
    one, five = mean_by_patient(values, patients), mean_by_patient(np.repeat(values, 5), np.repeat(patients, 5))
    assert (five.low, five.high) == (pytest.approx(one.low), pytest.approx(one.high))
    assert (five.n, five.n_patients) == (150, 30)


def test_unknown_values_are_left_out_in_two_dimensions_as_in_one():
    values = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, np.nan], [4.0, 5.0]])
    flat, patients = values.reshape(-1), np.repeat(list("abcd"), 2)
    assert mean_by_patient(values, list("abcd")) == mean_by_patient(flat, patients)
    assert mean_by_patient(values, list("abcd")).value == 3.0
    assert mean_by_patient(values, list("abcd")).n_patients == 3


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_of_nothing_there_is_no_mean(values):
    mean = mean_by_patient(values, np.arange(len(values)))
    assert np.isnan([mean.value, mean.low, mean.high]).all()
    assert (mean.n, mean.above_zero, mean.below_zero) == (0, False, False)


def test_one_patient_shows_no_scatter():
    mean = mean_by_patient([1.0, 2.0], ["a", "a"])
    assert mean.value == 1.5
    assert np.isnan(mean.low)


def test_a_rate_stays_between_zero_and_one():
    mean = mean_by_patient(np.ones(12), np.arange(12), rate=True)
    assert mean.high == 1
    assert mean.low == pytest.approx(0.025 ** (1 / 12))


def test_the_truth_is_inside_nineteen_times_in_twenty():
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        patients = np.repeat(np.arange(40), rng.integers(1, 6, 40))
        values = rng.normal(size=40)[patients] + rng.normal(size=len(patients))
        mean = mean_by_patient(values, patients)
        held += mean.low <= 0 <= mean.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"got \(3,\) and \(2,\)"):
        mean_by_patient([1, 2, 3], ["a", "b"])
