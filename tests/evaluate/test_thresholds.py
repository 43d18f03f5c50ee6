import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_curve

from cxrkd.errors import DataError
from cxrkd.evaluate import MIN_THRESHOLD_PATIENTS, best_thresholds, threshold_intervals
from cxrkd.evaluate.thresholds import draw_patients


def cut(logits, targets):
    """With every image a patient of its own, however few."""
    return best_thresholds(logits, targets, np.arange(len(logits)), min_patients=1)


@pytest.mark.parametrize("decimals", [1, 8])
def test_no_cut_has_a_larger_tpr_minus_fpr(decimals):
    rng = np.random.default_rng(0)
    targets = (rng.random((300, 3)) < 0.3).astype(float)
    logits = np.round(rng.normal(size=(300, 3)) - 2 + targets, decimals)
    for k, threshold in enumerate(cut(logits, targets)):
        called, positive = expit(logits[:, k]) >= threshold, targets[:, k] == 1
        fpr, tpr, _ = roc_curve(positive, logits[:, k])
        assert called[positive].mean() - called[~positive].mean() == pytest.approx(np.max(tpr - fpr))


def test_the_cut_lies_half_way_between_two_scores():
    logits = np.log([[0.1 / 0.9], [0.2 / 0.8], [0.6 / 0.4], [0.9 / 0.1]])
    assert cut(logits, [[0], [0], [1], [1]])[0] == pytest.approx(0.4)


def test_unknown_targets_are_left_out():
    logits = np.array([[-1.0], [5.0], [1.0]])
    assert cut(logits, [[0], [np.nan], [1]])[0] == pytest.approx((expit(-1) + expit(1)) / 2)


def test_one_class_has_no_threshold_and_is_never_called(recwarn):
    logits = np.array([[40.0, -40.0], [0.0, 0.0]])
    thresholds = cut(logits, [[0, 1], [0, 1]])
    assert np.isnan(thresholds).all()
    assert not (expit(logits) >= thresholds).any()
    assert not recwarn


def test_too_few_positive_patients_have_no_threshold():
    """Fifteen patients are enough, thirty films of fourteen are not."""
    rng = np.random.default_rng(0)
    logits, targets, patients = rng.normal(size=(90, 2)), np.zeros((90, 2)), np.arange(90)
    targets[:30, 0] = targets[60:75, 1] = 1
    patients[:30] = np.arange(30) % 14
    assert MIN_THRESHOLD_PATIENTS == 15
    assert np.isnan(best_thresholds(logits, targets, patients)).tolist() == [True, False]
    assert np.isnan(threshold_intervals(logits, targets, patients)).tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_the_interval_is_that_of_repeated_rows(decimals):
    rng = np.random.default_rng(0)
    targets, patients = (rng.random((80, 2)) < 0.3).astype(float), rng.integers(0, 50, 80)
    targets[rng.random((80, 2)) < 0.1] = np.nan
    logits = np.round(rng.normal(size=(80, 2)) + np.nan_to_num(targets), decimals)
    found = threshold_intervals(logits, targets, patients, min_patients=5, n_boot=150, seed=4)
    who = np.unique(patients.astype(str), return_inverse=True)[1]
    drawn = []
    for times in draw_patients(who.max() + 1, 150, 4).T:
        rows = np.repeat(np.arange(80), times[who])
        drawn.append(cut(logits[rows], targets[rows]))
    np.testing.assert_allclose(found, np.quantile(drawn, (0.025, 0.975), axis=0).T, atol=1e-12)
    assert (found[:, 0] < found[:, 1]).all()


def test_a_draw_takes_whole_patients_with_replacement():
    times = draw_patients(40, 50, seed=0)
    assert times.shape == (40, 50)
    assert (times.sum(axis=0) == 40).all()
    assert (times.min(), times.max() > 1) == (0, True)


def test_draws_without_one_class_are_left_out(recwarn):
    logits, targets = np.array([[2.0], [1.0], [0.0], [-1.0]]), np.array([[1.0], [0.0], [0.0], [0.0]])
    low, high = threshold_intervals(logits, targets, np.arange(4), min_patients=1)[0]
    assert expit(0.0) < low < high < expit(2.0)
    assert not recwarn


def test_more_patients_narrow_the_interval():
    rng = np.random.default_rng(0)
    targets = (rng.random((3000, 1)) < 0.3).astype(float)
    logits = rng.normal(size=(3000, 1)) + 2 * targets
    few, many = (np.ptp(threshold_intervals(logits[:n], targets[:n], np.arange(n))) for n in (80, 3000))
    assert many < few / 2


def test_saturated_and_useless_scores_still_give_a_probability():
    targets = np.array([[1.0], [0.0]])
    assert cut(np.array([[800.0], [-800.0]]), targets)[0] == pytest.approx(0.5)
    assert cut(np.array([[40.0], [41.0]]), targets)[0] == 1.0
    assert 0 <= cut(np.zeros((2, 1)), targets)[0] <= 1


def test_shapes_must_agree():
    with pytest.raises(DataError, match="one shape"):
        best_thresholds(np.zeros((3, 2)), np.zeros((3, 1)), np.arange(3))
