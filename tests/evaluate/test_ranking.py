import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrkd.evaluate import auroc, average_precision


@st.composite
def ranked(draw):
    """Scores with many ties, and at least one case of each class."""
    n = draw(st.integers(2, 40))
    scores = draw(arrays(np.float64, n, elements=st.sampled_from([-3.0, -0.5, 0.0, 0.1, 0.1000001, 2.0, 1e9])))
    positive = draw(arrays(np.bool_, n))
    positive[0], positive[1] = True, False
    return scores, positive


@settings(derandomize=True, max_examples=100, deadline=None)
@given(ranked())
def test_auroc_and_average_precision_are_sklearns(case):
    scores, positive = case
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert average_precision(scores, positive) == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(ranked())
def test_auroc_is_mann_whitneys_u_over_the_pairs(case):
    scores, positive = case
    u = mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert auroc(scores, positive) == pytest.approx(u / (positive.sum() * (~positive).sum()), abs=1e-12)


def test_one_class_is_nan_and_silent(recwarn):
    scores = np.array([0.1, 0.9])
    assert np.isnan(auroc(scores, np.array([True, True])))
    assert np.isnan(auroc(scores, np.array([False, False])))
    assert np.isnan(average_precision(scores, np.array([False, False])))
    assert not recwarn


def test_turned_scores_turn_the_auroc():
    rng = np.random.default_rng(0)
    scores, positive = rng.normal(size=50), rng.random(50) < 0.4
    assert auroc(-scores, positive) == pytest.approx(1 - auroc(scores, positive))
    assert auroc(np.zeros(50), positive) == 0.5
