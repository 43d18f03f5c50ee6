import json

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from cxrkd.errors import DataError
from cxrkd.evaluate import PairedDifference, evaluate, paired_difference
from cxrkd.evaluate.paired import paired_p

LABELS = ("a", "b", "rare")


def cases(seeds=2, n=200, seed=0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 3)) < [0.4, 0.2, 0.01]).astype(float)
    common = rng.normal(size=(n, 3))
    good = common + 1.6 * targets + 0.2 * rng.normal(size=(seeds, n, 3))
    poor = common + 1.2 * targets + 0.2 * rng.normal(size=(seeds, n, 3))
    return good, poor, targets, rng.integers(0, 90, n)


def macro(model, targets, rows):
    """Macro AUROC (R,) of the two common labels by scikit-learn."""
    return np.array([np.mean([roc_auc_score(targets[rows, k], z[rows, k]) for k in range(2)]) for z in model])


FUNCTIONS = {
    "macro": lambda a, b: a - b,
    "ratio": lambda a, b: a / b,
    "skill": lambda a, b: (a - 0.5) / (b - 0.5),
}


@pytest.mark.parametrize("seeds_b", [3, 1], ids=["pairs of seeds", "one network"])
def test_intervals_are_those_of_leaving_rows_out_and_of_the_seeds(seeds_b):
    """Variance over patients by recomputing without each, over seeds by recomputing each; Satterthwaite joins them."""
    a, b, targets, patients = cases(seeds=3, n=100)
    b, names = b[:seeds_b], np.unique(patients)
    result = paired_difference(a, b, targets, patients, LABELS).to_dict()
    each = [macro(z, targets, np.arange(100)) for z in (a, b)]
    left = np.array([[macro(z, targets, patients != p).mean() for p in names] for z in (a, b)])
    mine = np.array([[targets[patients == p, k].sum() for p in names] for k in (0, 1)])
    share = np.mean(mine / mine.sum(1, keepdims=True), axis=0)
    for what, f in FUNCTIONS.items():
        value = f(*(one.mean() for one in each))
        of_patients, of_seeds = np.sum((f(*left) - value) ** 2), np.var(f(*each), ddof=1) / 3
        df = (of_patients + of_seeds) ** 2 / (of_patients**2 / (1 / np.sum(share**2) - 1) + of_seeds**2 / 2)
        reach = student.ppf(0.975, df) * np.sqrt(of_patients + of_seeds)
        assert result[{"macro": "macro_diff"}.get(what, what)] == pytest.approx(value)
        assert result[f"{what}_low"] == pytest.approx(value - reach)
        assert result[f"{what}_high"] == pytest.approx(value + reach)


def test_p_is_that_of_the_t_whose_quantile_makes_the_interval():
    """Half width = t(.975, df) * s and p = 2 P(T > |d| / s): both are given by d, s and df, recomputed here."""
    a, b, targets, patients = cases(seeds=3, n=50)
    b = a - 0.04 * targets - 0.15 * np.random.default_rng(1).normal(size=a.shape)
    names, rows = np.unique(patients), np.arange(50)
    each = macro(a, targets, rows) - macro(b, targets, rows)
    left = np.array([(macro(a, targets, patients != p) - macro(b, targets, patients != p)).mean() for p in names])
    mine = np.array([[targets[patients == p, k].sum() for p in names] for k in (0, 1)])
    share = np.mean(mine / mine.sum(1, keepdims=True), axis=0)
    of_patients, of_seeds = np.sum((left - each.mean()) ** 2), np.var(each, ddof=1) / 3
    df = (of_patients + of_seeds) ** 2 / (of_patients**2 / (1 / np.sum(share**2) - 1) + of_seeds**2 / 2)
    expected = 2 * student.sf(abs(each.mean()) / np.sqrt(of_patients + of_seeds), df)
    assert 0.001 < expected < 0.9
    assert paired_p(a, b, targets, patients, LABELS, min_patients=3) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_zero_out(scale):
    a, _, targets, patients = cases(seeds=3)
    b = a - scale * targets + 0.1 * np.random.default_rng(2).normal(size=a.shape)
    difference, p = paired_difference(a, b, targets, patients, LABELS), paired_p(a, b, targets, patients, LABELS)
    assert (p < 0.05) == (difference.macro_low > 0 or difference.macro_high < 0)


def test_p_of_equals_is_one_and_of_nothing_to_compare_unknown():
    a, _, targets, patients = cases()
    assert paired_p(a, a, targets, patients, LABELS) == 1.0
    assert np.isnan(paired_p(a, a, targets, patients, LABELS, min_patients=1000))


def test_seeds_of_one_start_are_pairs():
    """A start that lifts both alike adds nothing to the difference; taken apart, it would."""
    _, b, targets, patients = cases(seeds=3)
    lift = np.array([0.0, 0.6, 1.2])[:, None, None] * targets
    pairs = paired_difference(b + lift + 0.3 * targets, b + lift, targets, patients, LABELS)
    apart = paired_difference(b[[1, 2, 0]] + lift[[1, 2, 0]] + 0.3 * targets, b + lift, targets, patients, LABELS)
    assert apart.macro_diff == pytest.approx(pairs.macro_diff)
    assert pairs.excludes_zero
    assert not apart.excludes_zero


def test_a_difference_needs_three_seeds_of_both_to_be_claimed():
    a, b, targets, patients = cases(seeds=3)
    claimed = {}
    for n_a, n_b in ((3, 3), (2, 2), (1, 1), (3, 1)):
        found = paired_difference(a[:n_a] + 2 * targets, b[:n_b], targets, patients, LABELS)
        claimed[n_a, n_b] = found.excludes_zero
        assert found.n_seeds == min(n_a, n_b)
    assert claimed == {(3, 3): True, (2, 2): False, (1, 1): False, (3, 1): False}


def test_no_share_of_a_skill_that_is_not_there():
    rng = np.random.default_rng(0)
    a, _, targets, patients = cases(seeds=1)
    result = paired_difference(a, rng.normal(size=a.shape), targets, patients, LABELS)
    assert np.isnan([result.skill, result.skill_low, result.skill_high]).all()
    assert np.isfinite([result.ratio, result.ratio_low, result.macro_low]).all()


def test_no_share_of_a_skill_that_chance_could_have_shown():
    """The macro of b lies above 0.5, its interval does not."""
    a, _, targets, patients = cases(seeds=1)
    b = np.random.default_rng(1).normal(size=a.shape) + 0.15 * targets
    metrics = evaluate(b, targets, patients, LABELS)
    assert metrics.macro_low < 0.5 < metrics.macro_auroc
    assert np.isnan(paired_difference(a, b, targets, patients, LABELS).skill)


def test_sides_of_other_numbers_of_seeds_are_trained_apart():
    a, b, targets, patients = cases(seeds=3)
    result = paired_difference(a, b[:2], targets, patients, LABELS)
    rows = np.arange(len(targets))
    assert result.macro_diff == pytest.approx(macro(a, targets, rows).mean() - macro(b[:2], targets, rows).mean())
    assert (result.n_seeds_a, result.n_seeds_b) == (3, 2)


def test_pairing_narrows_the_interval():
    a, b, targets, patients = cases()
    paired = paired_difference(a[0], b[0], targets, patients, LABELS)
    alone = [evaluate(z[0], targets, patients, LABELS) for z in (a, b)]
    unpaired = np.hypot(*[m.macro_high - m.macro_low for m in alone])
    assert paired.macro_high - paired.macro_low < 0.6 * unpaired
    assert paired.labels[0].low <= paired.labels[0].diff <= paired.labels[0].high


def test_a_model_does_not_differ_from_itself():
    a, _, targets, patients = cases()
    same = paired_difference(a, a, targets, patients, LABELS)
    assert (same.macro_diff, same.macro_low, same.macro_high) == (0, 0, 0)
    assert (same.ratio, same.ratio_low, same.ratio_high) == (1, 1, 1)
    assert (same.skill, same.skill_low, same.skill_high) == (1, 1, 1)
    assert not same.excludes_zero


def test_exchanged_models_exchange_the_sign():
    a, b, targets, patients = cases()
    forth = paired_difference(a, b, targets, patients, LABELS)
    back = paired_difference(b, a, targets, patients, LABELS)
    assert back.macro_diff == pytest.approx(-forth.macro_diff)
    assert back.macro_low == pytest.approx(-forth.macro_high)
    assert back.labels[1].high == pytest.approx(-forth.labels[1].low)


def test_a_teacher_of_one_seed_meets_students_of_several():
    a, b, targets, patients = cases(seeds=3)
    result = paired_difference(a, b[0], targets, patients, LABELS)
    assert (result.n_seeds_a, result.n_seeds_b) == (3, 1)
    repeated = paired_difference(a, np.stack([b[0]] * 3), targets, patients, LABELS)
    assert result.macro_low == pytest.approx(repeated.macro_low, abs=1e-12), "a network that does not scatter"


def test_a_label_with_too_few_cases_is_nan_and_stays_out():
    a, b, targets, patients = cases()
    result = paired_difference(a, b, targets, patients, LABELS)
    rare = result.labels[2]
    assert not rare.evaluable
    assert np.isnan([rare.diff, rare.low, rare.high]).all()
    two = paired_difference(a[..., :2], b[..., :2], targets[:, :2], patients, LABELS[:2])
    assert result.macro_diff == two.macro_diff


def test_no_label_left_is_nan_and_silent(recwarn):
    a, b, targets, patients = cases()
    nothing = paired_difference(a, b, np.zeros_like(targets), patients, LABELS)
    assert np.isnan([nothing.macro_diff, nothing.macro_low, nothing.ratio, nothing.ratio_high]).all()
    assert not nothing.excludes_zero
    assert not recwarn


def test_differences_survive_json():
    result = paired_difference(*cases(), LABELS)
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
    result = paired_difference(a, spoilt, targets, patients, LABELS)
    expected = paired_difference(a[:, :, :1], b[:, :, :1], targets[:, :1], patients, LABELS[:1])
    assert result.macro_diff == pytest.approx(expected.macro_diff)
    assert (result.macro_low, result.macro_high) == pytest.approx((expected.macro_low, expected.macro_high))
    assert [row.evaluable for row in result.labels] == [True, False, False]
