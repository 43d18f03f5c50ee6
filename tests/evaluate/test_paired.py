import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrkd.errors import DataError
from cxrkd.evaluate import PairedDifference, draw_patients, evaluate, paired_difference

LABELS = ("a", "b", "rare")


def cases(seeds=2, n=200, seed=0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 3)) < [0.4, 0.2, 0.01]).astype(float)
    common = rng.normal(size=(n, 3))
    good = common + 1.6 * targets + 0.2 * rng.normal(size=(seeds, n, 3))
    poor = common + 1.2 * targets + 0.2 * rng.normal(size=(seeds, n, 3))
    return good, poor, targets, rng.integers(0, 90, n)


def by_repeating_rows(a, b, targets, patients, n_boot, seed):
    """Macro of a and of b per draw, slowly: rows repeated as drawn, sklearn, mean over seeds, mean over labels."""
    draws = draw_patients(patients, n_boot, seed)
    out = []
    for times in draws.times.T:
        rows = np.repeat(np.arange(len(patients)), times[draws.row_of].astype(int))
        out.append(
            [
                np.mean([roc_auc_score(targets[rows, k], z[rows, k]) for z in model for k in range(2)])
                for model in (a, b)
            ]
        )
    return np.array(out)


def test_difference_and_ratio_are_those_of_repeated_rows_under_shared_draws():
    a, b, targets, patients = cases()
    result = paired_difference(a, b, targets, patients, LABELS, n_boot=60, seed=5)
    drawn = by_repeating_rows(a, b, targets, patients, 60, 5)
    low, high = np.quantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975])
    assert (result.macro_low, result.macro_high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    assert (result.ratio_low, result.ratio_high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    macros = [evaluate(z, targets, patients, LABELS, n_boot=0).macro_auroc for z in (a, b)]
    assert result.macro_diff == pytest.approx(macros[0] - macros[1])
    assert result.ratio == pytest.approx(macros[0] / macros[1])


def test_pairing_narrows_the_interval():
    a, b, targets, patients = cases()
    paired = paired_difference(a, b, targets, patients, LABELS)
    alone = [evaluate(z, targets, patients, LABELS) for z in (a, b)]
    unpaired = np.hypot(*[m.macro_high - m.macro_low for m in alone])
    assert paired.macro_high - paired.macro_low < 0.6 * unpaired
    assert paired.excludes_zero
    assert paired.labels[0].low <= paired.labels[0].diff <= paired.labels[0].high


def test_a_model_does_not_differ_from_itself():
    a, _, targets, patients = cases()
    same = paired_difference(a, a, targets, patients, LABELS, n_boot=50)
    assert (same.macro_diff, same.macro_low, same.macro_high) == (0, 0, 0)
    assert (same.ratio, same.ratio_low, same.ratio_high) == (1, 1, 1)
    assert not same.excludes_zero


def test_exchanged_models_exchange_the_sign():
    a, b, targets, patients = cases()
    forth = paired_difference(a, b, targets, patients, LABELS, n_boot=100)
    back = paired_difference(b, a, targets, patients, LABELS, n_boot=100)
    assert back.macro_diff == pytest.approx(-forth.macro_diff)
    assert back.macro_low == pytest.approx(-forth.macro_high)
    assert back.labels[1].high == pytest.approx(-forth.labels[1].low)


def test_a_teacher_of_one_seed_meets_students_of_several():
    a, b, targets, patients = cases(seeds=3)
    result = paired_difference(a, b[0], targets, patients, LABELS, n_boot=20)
    assert (result.n_seeds_a, result.n_seeds_b) == (3, 1)
    repeated = paired_difference(a, np.stack([b[0]] * 3), targets, patients, LABELS, n_boot=20)
    assert result.macro_low == pytest.approx(repeated.macro_low, abs=1e-12)


def test_a_label_with_too_few_cases_is_nan_and_stays_out():
    a, b, targets, patients = cases()
    result = paired_difference(a, b, targets, patients, LABELS, n_boot=50)
    rare = result.labels[2]
    assert not rare.evaluable
    assert np.isnan([rare.diff, rare.low, rare.high]).all()
    two = paired_difference(a[..., :2], b[..., :2], targets[:, :2], patients, LABELS[:2], n_boot=50)
    assert result.macro_diff == two.macro_diff


def test_no_label_left_is_nan_and_silent(recwarn):
    a, b, targets, patients = cases()
    nothing = paired_difference(a, b, np.zeros_like(targets), patients, LABELS, n_boot=20)
    assert np.isnan([nothing.macro_diff, nothing.macro_low, nothing.ratio, nothing.ratio_high]).all()
    assert not nothing.excludes_zero
    assert not recwarn


def test_differences_survive_json():
    result = paired_difference(*cases(), LABELS, n_boot=20)
    back = PairedDifference.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert back.to_dict() == result.to_dict()
    assert back.labels[0] == result.labels[0]


def test_models_of_other_images_are_refused():
    a, b, targets, patients = cases()
    with pytest.raises(DataError, match="expected logits"):
        paired_difference(a, b[:, 1:], targets, patients, LABELS)


def test_labels_that_one_of_the_two_was_never_taught_leave_the_comparison():
    a, b, targets, patients = cases()
    spoilt = b.copy()
    spoilt[:, :, 1] = np.nan
    result = paired_difference(a, spoilt, targets, patients, LABELS, n_boot=40)
    expected = paired_difference(a[:, :, :1], b[:, :, :1], targets[:, :1], patients, LABELS[:1], n_boot=40)
    assert result.macro_diff == pytest.approx(expected.macro_diff)
    assert (result.macro_low, result.macro_high) == pytest.approx((expected.macro_low, expected.macro_high))
    assert [row.evaluable for row in result.labels] == [True, False, False]
