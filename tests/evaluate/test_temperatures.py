"""Temperatures against scikit-learn's logistic regression without intercept, which is the same problem in 1 / T."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from cxrkd.errors import DataError
from cxrkd.evaluate.temperatures import BOUNDS, fitted_temperatures


def cases(n=4000, T=(0.5, 1.0, 3.0)):
    """Logits that are T times as large as they may be."""
    rng = np.random.default_rng(0)
    honest = rng.normal(-1, 2, (n, len(T)))
    return honest * T, (rng.random(honest.shape) < expit(honest)).astype(float)


def test_they_are_what_a_logistic_regression_finds():
    logits, targets = cases()
    found = fitted_temperatures(logits, targets)
    for k, T in enumerate(found):
        model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logits[:, [k]], targets[:, k])
        assert pytest.approx(1 / model.coef_[0, 0], rel=1e-4) == T
    assert found == pytest.approx([0.5, 1.0, 3.0], rel=0.1)


def test_unknown_cells_and_missing_answers_do_not_count():
    logits, targets = cases(n=400)
    expected = fitted_temperatures(logits[100:], targets[100:])
    logits[:50], targets[50:100] = np.nan, np.nan
    assert fitted_temperatures(logits, targets) == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_known_stays_as_it_is_and_what_is_absurd_is_bounded():
    z = np.linspace(-5, 5, 20)
    logits = np.stack([z, z, z, np.full(20, np.nan), z], 1)
    targets = np.stack([np.zeros(20), np.ones(20), np.full(20, np.nan), z > 0, z < 0], 1).astype(float)
    assert fitted_temperatures(logits, targets) == pytest.approx([1, 1, 1, 1, BOUNDS[1]], rel=1e-4)
    right = fitted_temperatures(z[:, None], (z > 0)[:, None])
    assert right == pytest.approx([BOUNDS[0]], rel=1e-4), "without an error no sharpness is too much"


def test_shapes_that_differ_are_refused():
    with pytest.raises(DataError, match="one shape"):
        fitted_temperatures(np.zeros((3, 2)), np.zeros((2, 3)))
