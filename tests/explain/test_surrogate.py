import numpy as np
import pytest
from lime.lime_base import LimeBase
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from cxrkd.explain.surrogate import proximity, weighted_ridge


def lime_kernel(d, kernel_width=0.25):
    return np.sqrt(np.exp(-(d**2) / kernel_width**2))


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    masks = rng.random((121, 18)) < 0.5
    masks[0] = True
    truth = rng.normal(size=(18, 4))
    return masks, masks @ truth + 0.5 * rng.normal(size=(121, 4)), truth


def test_proximity_is_limes_kernel_on_the_cosine_distance(samples):
    masks = np.concatenate([samples[0], np.zeros((1, 18), bool)])
    distances = pairwise_distances(masks.astype(float), np.ones((1, 18)), metric="cosine").ravel()
    np.testing.assert_allclose(proximity(masks), lime_kernel(distances), atol=1e-12)


def test_one_solve_equals_limes_regression_label_by_label(samples):
    masks, targets, _ = samples
    base = LimeBase(lime_kernel, random_state=0)
    distances = pairwise_distances(masks.astype(float), masks[:1].astype(float), metric="cosine").ravel()
    fit = weighted_ridge(masks, targets, proximity(masks))
    for k in range(4):
        intercept, pairs, r2, _ = base.explain_instance_with_data(masks.astype(int), targets, distances, k, 100_000)
        weights = np.array([w for _, w in sorted(pairs)])
        np.testing.assert_allclose(fit.weights[k], weights, atol=1e-6)
        assert fit.intercept[k] == pytest.approx(intercept, abs=1e-6)
        assert fit.r2[k] == pytest.approx(r2, abs=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 30.0])
def test_equals_sklearn_ridge(samples, alpha):
    masks, targets, _ = samples
    w = np.random.default_rng(1).uniform(0.1, 2, len(masks))
    oracle = Ridge(alpha=alpha).fit(masks, targets, sample_weight=w)
    np.testing.assert_allclose(weighted_ridge(masks, targets, w, alpha).weights, oracle.coef_, atol=1e-6)


def test_without_penalty_a_linear_function_is_recovered_exactly(samples):
    masks, _, truth = samples
    fit = weighted_ridge(masks, masks @ truth - 3, proximity(masks), alpha=0)
    np.testing.assert_allclose(fit.weights, truth.T, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, -3, atol=1e-6)
    np.testing.assert_allclose(fit.r2, 1, atol=1e-9)


def test_an_output_that_never_changes_has_no_r2(samples):
    masks = samples[0]
    fit = weighted_ridge(masks, np.zeros((len(masks), 1)), proximity(masks))
    assert np.isnan(fit.r2[0])
    assert not fit.weights.any()


def test_a_label_the_network_was_never_taught_spoils_no_other(samples):
    masks, targets, _ = samples
    spoilt = targets.copy()
    spoilt[:, 1] = np.nan
    near = proximity(masks)
    full, part = weighted_ridge(masks, targets, near), weighted_ridge(masks, spoilt, near)
    assert np.isnan(part.weights[1]).all()
    np.testing.assert_allclose(part.weights[[0, 2, 3]], full.weights[[0, 2, 3]], atol=1e-6)
    np.testing.assert_allclose(part.r2[[0, 2, 3]], full.r2[[0, 2, 3]], atol=1e-6)
