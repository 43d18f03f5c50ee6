import json

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from torchmetrics.functional.classification import binary_calibration_error

from cxrkd.errors import DataError
from cxrkd.evaluate import Reliability, brier_score, evaluate, expected_calibration_error, reliability


def test_ece_is_torchmetrics_with_fifteen_bins():
    rng = np.random.default_rng(0)
    probs, positive = rng.random(500), rng.random(500) < 0.3
    theirs = binary_calibration_error(torch.from_numpy(probs), torch.from_numpy(positive), n_bins=15, norm="l1")
    assert expected_calibration_error(probs, positive) == pytest.approx(float(theirs), abs=1e-6)


def test_two_bins_by_hand():
    curve = reliability(logit([0.1, 0.3, 0.9, 0.7]), [0, 1, 1, 1], n_bins=2)
    assert curve.predicted == pytest.approx((0.2, 0.8))
    assert curve.observed == pytest.approx((0.5, 1.0))
    assert curve.count == (2, 2)
    assert curve.ece == pytest.approx(0.5 * 0.3 + 0.5 * 0.2)
    assert brier_score(np.array([0.1, 0.3]), np.array([False, True])) == pytest.approx((0.01 + 0.49) / 2)


def test_honest_probabilities_have_little_error_and_boastful_ones_much():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20_000)
    truth = (rng.random(20_000) < 1 / (1 + np.exp(-logits))).astype(float)
    assert reliability(logits, truth).ece < 0.02
    assert reliability(4 * logits, truth).ece > 0.1


def test_edges_of_the_unit_interval_fall_into_the_outer_bins():
    curve = reliability([-900.0, 900.0], [0.0, 1.0])
    assert (curve.predicted, curve.observed, curve.ece) == ((0.0, 1.0), (0.0, 1.0), 0.0)


def test_a_bin_holds_its_upper_edge_and_not_its_lower():
    curve = reliability([0.0, 1.0], [0.0, 1.0], n_bins=2)  # 0.5 lies on the edge
    assert curve.count == (1, 1)


def test_what_was_not_answered_is_left_out():
    some, answered = reliability([0.0, np.nan, 1.0], [1.0, 1.0, 0.0]), reliability([0.0, 1.0], [1.0, 0.0])
    assert some == answered
    assert some.count == answered.count


def test_unknown_targets_are_left_out_labels_pool_and_their_errors_are_averaged():
    logits, targets = np.array([[0.0, 3.0], [1.0, -2.0]]), np.array([[1.0, np.nan], [0.0, 0.0]])
    found, pooled = reliability(logits, targets), reliability([0.0, 1.0, -2.0], [1.0, 0.0, 0.0])
    assert sum(found.count) == 3
    assert (found.predicted, found.observed, found.count) == (pooled.predicted, pooled.observed, pooled.count)
    first, second = (0.5 + expit(1.0)) / 2, expit(-2.0)
    assert found.ece == pytest.approx((first + second) / 2)


def test_beside_the_chart_stands_the_ece_of_the_metrics():
    rng = np.random.default_rng(0)
    targets = (rng.random((300, 3)) < [0.3, 0.2, 0.001]).astype(float)
    targets[rng.random((300, 3)) < 0.1] = np.nan
    logits, patients = rng.normal(-1, 1, (300, 3)), np.arange(300)
    metrics = evaluate(logits, targets, patients, "abc")
    counted = [row.evaluable for row in metrics.labels]
    assert counted == [True, True, False]
    assert reliability(logits[:, counted], targets[:, counted]).ece == pytest.approx(metrics.ece)


def test_nothing_to_count_is_nan_and_survives_json():
    empty = reliability([1.0], [np.nan])
    assert np.isnan(empty.ece)
    assert empty.count == ()
    back = Reliability.from_dict(json.loads(json.dumps(empty.to_dict(), allow_nan=False)))
    assert np.isnan(back.ece)


def test_shapes_must_agree():
    with pytest.raises(DataError, match="one shape"):
        reliability([1.0, 2.0], [1.0])
