import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrkd.evaluate import auroc, auroc_draws, draw_patients, evaluate
from cxrkd.evaluate.bootstrap import CHUNK, interval, macro


def cases(n=120, patients=40, seed=0, decimals=1):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    scores = np.round(rng.normal(size=n) + positive, decimals)
    return scores, positive, rng.integers(0, patients, n).astype(str)


@pytest.mark.parametrize("decimals", [0, 1, 9], ids=["many ties", "ties", "no ties"])
def test_a_draw_scores_what_sklearn_scores_on_the_repeated_rows(decimals):
    scores, positive, patients = cases(decimals=decimals)
    draws = draw_patients(patients, CHUNK + 20, seed=3)
    ours = np.concatenate([auroc_draws(scores, positive, w) for w in draws.chunks(np.arange(len(scores)))])
    times = np.concatenate(list(draws.chunks(np.arange(len(scores)))), axis=1).astype(int)
    for b in range(len(draws)):
        rows = np.repeat(np.arange(len(scores)), times[:, b])
        assert ours[b] == pytest.approx(roc_auc_score(positive[rows], scores[rows]), abs=1e-12)
        weighted = roc_auc_score(positive, scores, sample_weight=times[:, b])
        assert ours[b] == pytest.approx(weighted, abs=1e-12)


def test_a_draw_takes_whole_patients_with_replacement():
    _, _, patients = cases()
    draws = draw_patients(patients, 50, seed=0)
    assert (draws.times.sum(axis=0) == len(np.unique(patients))).all()
    (weights,) = draws.chunks(np.arange(len(patients)))
    for patient in np.unique(patients):
        assert np.ptp(weights[patients == patient], axis=0).max() == 0
    assert draws.times.max() > 1
    assert draws.times.min() == 0


def test_unit_weights_give_the_plain_auroc():
    scores, positive, _ = cases()
    assert auroc_draws(scores, positive, np.ones((len(scores), 1), np.float32))[0] == auroc(scores, positive)


def test_a_draw_without_one_class_is_nan_and_silent(recwarn):
    weights = np.array([[1, 0, 1], [1, 1, 0]], dtype=np.float32)
    drawn = auroc_draws(np.array([1.0, 0.0]), np.array([True, False]), weights)
    np.testing.assert_array_equal(drawn, [1.0, np.nan, np.nan])
    assert not recwarn


def test_macro_leaves_nan_out_and_interval_of_nothing_is_nan():
    np.testing.assert_array_equal(macro(np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, np.nan]])), [0.5, np.nan])
    assert np.isnan(interval(np.full(5, np.nan))).all()
    assert interval(np.array([np.nan, *range(101)])) == pytest.approx((2.5, 97.5))


def delong_variance(scores, positive):
    """DeLong, DeLong and Clarke-Pearson, Biometrics 1988: from the placements of each case among the other class."""
    wins = np.sign(scores[positive][:, None] - scores[~positive][None]) / 2 + 0.5
    return wins.mean(1).var(ddof=1) / positive.sum() + wins.mean(0).var(ddof=1) / (~positive).sum()


def test_with_one_image_a_patient_the_width_agrees_with_delong():
    scores, positive, _ = cases(n=600, decimals=9)
    metrics = evaluate(scores[:, None], positive[:, None], np.arange(600), ["x"], n_boot=2000).labels[0]
    delong = 2 * 1.96 * np.sqrt(delong_variance(scores, positive))
    assert metrics.auroc_high - metrics.auroc_low == pytest.approx(delong, rel=0.08)


def test_images_that_repeat_a_patient_do_not_narrow_the_interval():
    scores, positive, _ = cases(n=200, decimals=9)
    once = evaluate(scores[:, None], positive[:, None], np.arange(200), ["x"], seed=1)
    again = evaluate(
        np.tile(scores, 4)[:, None], np.tile(positive, 4)[:, None], np.tile(np.arange(200), 4), ["x"], seed=1
    )
    assert again.labels[0].auroc_low == pytest.approx(once.labels[0].auroc_low, abs=1e-12)
    assert again.macro_high == pytest.approx(once.macro_high, abs=1e-12)
    assert again.n == 800
    assert again.n_patients == 200


def simulated(rng, n_patients):
    """Two images a patient that share most of their score: a true AUROC of Phi(1 / sqrt(2)) = 0.7602."""
    positive = np.repeat(rng.random(n_patients) < 0.3, 2)
    shared = np.repeat(rng.normal(size=n_patients), 2)
    scores = positive + np.sqrt(0.9) * shared + np.sqrt(0.1) * rng.normal(size=2 * n_patients)
    return scores[:, None], positive[:, None], np.repeat(np.arange(n_patients), 2)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    by_patient, by_image = 0, 0
    for _ in range(200):
        scores, positive, patients = simulated(rng, 150)
        for_patient = evaluate(scores, positive, patients, ["x"], n_boot=300)
        for_image = evaluate(scores, positive, np.arange(300), ["x"], n_boot=300)
        by_patient += for_patient.macro_low <= 0.7602 <= for_patient.macro_high
        by_image += for_image.macro_low <= 0.7602 <= for_image.macro_high
    assert 0.91 <= by_patient / 200 <= 0.985
    # Treating the two images of a patient as independent is what the bootstrap by patient is there to avoid.
    assert by_image / 200 < 0.88
