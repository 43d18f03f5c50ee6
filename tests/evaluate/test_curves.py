import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from cxrkd.errors import DataError
from cxrkd.evaluate import PrCurve, RocCurve, pr_curve, roc_curve
from cxrkd.evaluate.curves import thin


def cases(n, prevalence=0.2, seed=0, decimals=9):
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < prevalence).astype(float)
    return np.round(rng.normal(size=n) + targets, decimals), targets


def area(x, y):
    return np.trapezoid(y, x)


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("n", [20, 300, 20_000])
def test_thinned_curves_keep_sklearns_area_and_ends(n, decimals):
    logits, targets = cases(n, decimals=decimals)
    roc, pr = roc_curve(logits, targets), pr_curve(logits, targets)
    assert len(roc.fpr) <= 200
    assert len(pr.recall) <= 200
    assert roc.auroc == pytest.approx(sk.roc_auc_score(targets, logits))
    assert pr.ap == pytest.approx(sk.average_precision_score(targets, logits))
    assert area(roc.fpr, roc.tpr) == pytest.approx(roc.auroc, abs=1e-3)
    assert area(pr.recall, pr.precision) == pytest.approx(pr.ap, abs=1e-3)
    assert (roc.fpr[0], roc.tpr[0], roc.fpr[-1], roc.tpr[-1]) == (0, 0, 1, 1)
    assert (pr.recall[0], pr.recall[-1]) == (0, 1)
    assert pr.prevalence == pytest.approx(targets.mean())


def test_every_kept_point_is_an_operating_point():
    logits, targets = cases(2000)
    roc = roc_curve(logits, targets)
    fpr, tpr, _ = sk.roc_curve(targets, logits, drop_intermediate=False)
    assert set(zip(roc.fpr, roc.tpr, strict=True)) <= set(zip(fpr.tolist(), tpr.tolist(), strict=True))
    assert (np.diff(roc.fpr) >= 0).all()
    assert (np.diff(roc.tpr) >= 0).all()


def test_short_curves_are_exact():
    logits, targets = cases(60)
    roc, pr = roc_curve(logits, targets), pr_curve(logits, targets)
    assert area(roc.fpr, roc.tpr) == pytest.approx(roc.auroc, abs=1e-12)
    assert area(pr.recall, pr.precision) == pytest.approx(pr.ap, abs=1e-12)


@pytest.mark.parametrize("steps", [150, 199, 200, 250, 401, 1000])
def test_a_regular_staircase_does_not_lose_one_side_of_its_steps(steps):
    logits, targets = np.arange(2.0 * steps), np.tile([0.0, 1.0], steps)
    roc = roc_curve(logits, targets)
    assert area(roc.fpr, roc.tpr) == pytest.approx(roc.auroc, abs=1e-3)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 3000), st.floats(0.001, 0.999), st.floats(-3, 3))
def test_thinning_keeps_the_area_of_any_curve(seed, n, prevalence, shift):
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < prevalence).astype(float)
    targets[:2] = 0, 1
    logits = rng.normal(size=n) + shift * targets
    roc, pr = roc_curve(logits, targets), pr_curve(logits, targets)
    assert area(roc.fpr, roc.tpr) == pytest.approx(roc.auroc, abs=1e-3)
    assert area(pr.recall, pr.precision) == pytest.approx(pr.ap, abs=1e-3)


def test_thinning_leaves_corners_and_drops_what_lies_on_a_line():
    x, y = np.array([0, 0, 0, 0.5, 1.0, 1.0]), np.array([0, 0.2, 0.7, 0.7, 0.7, 1.0])
    assert thin(x, y).tolist() == [0, 2, 4, 5]
    assert thin(np.array([0.0, 1.0]), np.array([0.0, 1.0])).tolist() == [0, 1]


def test_one_class_has_an_empty_curve(recwarn):
    assert roc_curve([1.0, 2.0], [1, 1]).fpr == ()
    assert np.isnan(roc_curve([1.0, 2.0], [0, 0]).auroc)
    assert pr_curve([1.0, 2.0], [0, np.nan]).recall == ()
    assert np.isnan(pr_curve([], []).prevalence)
    assert pr_curve([1.0], [1]).ap == 1
    assert not recwarn


def test_curves_survive_json_and_mask_unknowns():
    roc, pr = roc_curve([0.0, 1.0, 9.0], [0, 1, np.nan]), pr_curve([0.0, 1.0, 9.0], [0, 1, np.nan])
    assert roc.auroc == 1
    assert RocCurve.from_dict(json.loads(json.dumps(roc.to_dict()))) == roc
    assert PrCurve.from_dict(json.loads(json.dumps(pr.to_dict()))) == pr


def test_nan_logits_and_wrong_shapes_are_refused():
    with pytest.raises(DataError, match="diverged"):
        roc_curve([np.nan, 1.0], [0, 1])
    with pytest.raises(DataError, match="one shape"):
        pr_curve(np.zeros((2, 2)), np.zeros((2, 2)))


def test_a_label_the_model_was_never_taught_has_no_curve():
    _, targets = cases(50)
    nothing = np.full(50, np.nan)
    assert roc_curve(nothing, targets).fpr == ()
    assert pr_curve(nothing, targets).recall == ()
