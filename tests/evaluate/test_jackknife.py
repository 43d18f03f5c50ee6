import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.metrics import recall_score, roc_auc_score

from cxrkd.evaluate import auroc, evaluate
from cxrkd.evaluate.jackknife import Figure, interval, rate_interval
from cxrkd.evaluate.leaving import auroc_without, rarer_weight, rate_figure


def cases(n=120, patients=40, seed=0, decimals=1, seeds=1):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    scores = np.round(rng.normal(size=(seeds, n)) + positive, decimals)
    return scores, positive, np.unique(rng.integers(0, patients, n), return_inverse=True)[1]


@pytest.mark.parametrize("decimals", [0, 1, 9], ids=["many ties", "ties", "no ties"])
def test_leaving_a_patient_out_is_leaving_its_rows_out(decimals):
    scores, positive, who = cases(decimals=decimals, seeds=2)
    n = who.max() + 1
    assert len(np.intersect1d(who[positive], who[~positive])) > 5, "patients with both classes are the hard part"
    values, without = auroc_without(scores, positive, who, n)
    for r, score in enumerate(scores):
        assert values[r] == pytest.approx(roc_auc_score(positive, score), abs=1e-12)
        expected = [roc_auc_score(positive[who != p], score[who != p]) for p in range(n)]
        np.testing.assert_allclose(without[r], expected, atol=1e-12)


def test_leaving_out_the_only_patient_of_a_class_leaves_nothing(recwarn):
    scores, positive = np.array([[3.0, 1, 2, 0]]), np.array([True, True, False, False])
    without = auroc_without(scores, positive, np.array([0, 0, 1, 2]), 4)[1][0]
    np.testing.assert_array_equal(without, [np.nan, 1.0, 0.5, 0.75])
    assert not recwarn


def delong_variance(scores, positive):
    """DeLong, DeLong and Clarke-Pearson, Biometrics 1988: from the placements of each case among the other class."""
    wins = np.sign(scores[positive][:, None] - scores[~positive][None]) / 2 + 0.5
    return wins.mean(1).var(ddof=1), wins.mean(0).var(ddof=1)


def test_with_one_image_a_patient_the_variance_is_delongs_with_n_minus_one():
    (scores,), positive, _ = cases(n=60, decimals=9)
    values, without = auroc_without(scores[None], positive, np.arange(60), 60)
    of_positives, of_negatives = delong_variance(scores, positive)
    expected = of_positives / (positive.sum() - 1) + of_negatives / ((~positive).sum() - 1)
    assert np.sum((without[0] - values[0]) ** 2) == pytest.approx(expected, rel=1e-12)


def obuchowski_variance(scores, positive, who):
    """Obuchowski, Biometrics 1997, equation 3: structural components summed within each cluster."""
    wins = np.sign(scores[positive][:, None] - scores[~positive][None]) / 2 + 0.5
    area, m, n = wins.mean(), positive.sum(), (~positive).sum()
    clusters = range(who.max() + 1)
    x = np.array([(wins.mean(1)[who[positive] == c] - area).sum() for c in clusters])
    y = np.array([(wins.mean(0)[who[~positive] == c] - area).sum() for c in clusters])
    i_pos, i_neg, i = len(np.unique(who[positive])), len(np.unique(who[~positive])), len(clusters)
    s10, s01 = i_pos / ((i_pos - 1) * m) * (x**2).sum(), i_neg / ((i_neg - 1) * n) * (y**2).sum()
    return s10 / m + s01 / n + 2 * i / (i - 1) * (x * y).sum() / (m * n)


def test_with_several_images_a_patient_the_variance_is_obuchowskis():
    (scores,), positive, who = cases(n=1500, patients=450, decimals=9)
    values, without = auroc_without(scores[None], positive, who, who.max() + 1)
    assert np.sum((without[0] - values[0]) ** 2) == pytest.approx(obuchowski_variance(scores, positive, who), rel=0.03)


def test_images_that_repeat_a_patient_do_not_narrow_the_interval():
    (scores,), positive, _ = cases(n=200, decimals=9)
    once = evaluate(scores[:, None], positive[:, None], np.arange(200), ["x"])
    tiled = (np.tile(scores, 4)[:, None], np.tile(positive, 4)[:, None], np.tile(np.arange(200), 4))
    again = evaluate(*tiled, ["x"])
    assert again.labels[0].auroc_low == pytest.approx(once.labels[0].auroc_low, abs=1e-12)
    assert again.macro_high == pytest.approx(once.macro_high, abs=1e-12)
    assert (again.n, again.n_patients) == (800, 200)


def test_the_interval_by_hand():
    """A rate of .8 that four patients make: logit changes squared, summed, Student with three degrees of freedom."""
    without = np.array([0.75, 0.85, 0.8, 0.9])
    figure = Figure(0.8, without, np.full(4, 0.25), 0.01)
    reach = student.ppf(0.975, 3) * np.sqrt(np.sum((logit(without) - logit(0.8)) ** 2))
    assert rate_interval(figure) == pytest.approx((expit(logit(0.8) - reach), expit(logit(0.8) + reach)))
    plain = student.ppf(0.975, 3) * np.sqrt(0.05**2 + 0.05**2 + 0.1**2)
    assert interval(figure) == pytest.approx((0.8 - plain, 0.8 + plain))


def test_trainings_add_their_variance_with_their_degrees_of_freedom():
    without, seeds = np.full(1000, 0.02) + np.tile([1e-3, -1e-3], 500), np.array([0.0, 0.02, 0.04])
    figure = Figure(0.02, without, np.full(1000, 1e-3), trainings=(seeds,))
    patients, trainings = 1000 * 1e-6, 0.02**2 / 3
    df = (patients + trainings) ** 2 / (patients**2 / 999 + trainings**2 / 2)
    reach = student.ppf(0.975, df) * np.sqrt(patients + trainings)
    assert interval(figure) == pytest.approx((0.02 - reach, 0.02 + reach))
    alone = Figure(0.02, without, np.full(1000, 1e-3), trainings=(seeds[:1],))
    assert interval(alone) == pytest.approx((0.02 - 1.9623 * np.sqrt(1e-3), 0.02 + 1.9623 * np.sqrt(1e-3)), abs=1e-4)


def test_a_rate_without_an_error_gets_the_exact_bound():
    """Clopper and Pearson: of 20 patients all right, at least 83.2 %."""
    assert rate_interval(Figure(1.0, np.ones(20), np.full(20, 0.05), 0.01)) == pytest.approx((0.8316, 1.0), abs=1e-4)
    assert rate_interval(Figure(0.0, np.zeros(20), np.full(20, 0.05), 0.01)) == pytest.approx((0.0, 0.1684), abs=1e-4)
    tied = Figure(0.999, np.append(np.full(19, 0.9989), 1.0), np.full(20, 0.05), 1e-4)
    low, high = rate_interval(tied)
    assert 0 < low < 0.999 < high < 1, "leaving one patient out makes it 1, whose logit is infinite"


def test_what_one_patient_carries_has_no_interval():
    figure = Figure(0.9, np.array([np.nan, 0.9]), np.array([1.0, 0.0]), 0.01)
    assert np.isnan([*interval(figure), *rate_interval(figure)]).all()


def test_degrees_of_freedom_come_from_the_rarer_class():
    positive, who = np.array([True] * 4 + [False] * 8), np.array([0, 0, 1, 1, *range(2, 10)])
    np.testing.assert_allclose(rarer_weight(positive, who, 10), [0.5, 0.5, *[0] * 8])
    np.testing.assert_allclose(rarer_weight(~positive, who, 10), [0.5, 0.5, *[0] * 8])


def test_a_sensitivity_leaves_patients_out_too():
    rng = np.random.default_rng(0)
    hits, who = rng.random((2, 60)) < 0.7, rng.integers(0, 20, 60)
    figure = rate_figure(hits, who, 20)
    rates = [recall_score(np.ones(60), hit) for hit in hits]
    assert figure.value == pytest.approx(np.mean(rates))
    assert figure.trainings[0] == pytest.approx(rates)
    np.testing.assert_allclose(figure.without, [hits[:, who != p].mean() for p in range(20)])


def test_the_auroc_is_the_plain_one():
    scores, positive, who = cases()
    assert auroc_without(scores, positive, who, who.max() + 1)[0][0] == auroc(scores[0], positive)
