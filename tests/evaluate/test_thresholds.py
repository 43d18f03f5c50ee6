import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_curve

from cxrkd.errors import DataError
from cxrkd.evaluate import best_thresholds


@pytest.mark.parametrize("decimals", [1, 8])
def test_no_cut_has_a_larger_tpr_minus_fpr(decimals):
    rng = np.random.default_rng(0)
    targets = (rng.random((300, 3)) < 0.3).astype(float)
    logits = np.round(rng.normal(size=(300, 3)) - 2 + targets, decimals)
    for k, threshold in enumerate(best_thresholds(logits, targets)):
        called, positive = expit(logits[:, k]) >= threshold, targets[:, k] == 1
        fpr, tpr, _ = roc_curve(positive, logits[:, k])
        assert called[positive].mean() - called[~positive].mean() == pytest.approx(np.max(tpr - fpr))


def test_the_cut_lies_half_way_between_two_scores():
    logits = np.log([[0.1 / 0.9], [0.2 / 0.8], [0.6 / 0.4], [0.9 / 0.1]])
    assert best_thresholds(logits, [[0], [0], [1], [1]])[0] == pytest.approx(0.4)


def test_unknown_targets_are_left_out():
    logits = np.array([[-1.0], [5.0], [1.0]])
    assert best_thresholds(logits, [[0], [np.nan], [1]])[0] == pytest.approx((expit(-1) + expit(1)) / 2)


def test_one_class_has_no_threshold_and_is_never_called(recwarn):
    logits = np.array([[40.0, -40.0], [0.0, 0.0]])
    thresholds = best_thresholds(logits, [[0, 1], [0, 1]])
    assert np.isnan(thresholds).all()
    assert not (expit(logits) >= thresholds).any()
    assert not recwarn


def test_too_few_positives_have_no_threshold():
    logits, targets = np.arange(20.0).reshape(10, 2), np.zeros((10, 2))
    targets[6:, 0] = 1
    targets[5:, 1] = 1
    assert np.isnan(best_thresholds(logits, targets, min_positives=5)).tolist() == [True, False]


def test_saturated_and_useless_scores_still_give_a_probability():
    targets = np.array([[1.0], [0.0]])
    assert best_thresholds(np.array([[800.0], [-800.0]]), targets)[0] == pytest.approx(0.5)
    assert best_thresholds(np.array([[40.0], [41.0]]), targets)[0] == 1.0
    assert 0 <= best_thresholds(np.zeros((2, 1)), targets)[0] <= 1


def test_shapes_must_agree():
    with pytest.raises(DataError, match="one shape"):
        best_thresholds(np.zeros((3, 2)), np.zeros((3, 1)))
