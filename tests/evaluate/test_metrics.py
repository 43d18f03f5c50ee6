import dataclasses
import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, recall_score, roc_auc_score
from torchmetrics.functional.classification import multilabel_auroc

from cxrkd.errors import DataError
from cxrkd.evaluate import ModelMetrics, best_thresholds, evaluate

LABELS = ("common", "rare", "absent", "everywhere")


def cases(n=300, seed=0, seeds=None):
    """Logits, targets with unknowns, patients: prevalences 0.3, about 5 cases, none, all."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 4)) < [0.3, 0.015, 0, 1]).astype(np.float64)
    targets[rng.random((n, 4)) < 0.1] = np.nan
    shape = (n, 4) if seeds is None else (seeds, n, 4)
    logits = rng.normal(size=shape) - 1 + 1.5 * np.nan_to_num(targets)
    return np.round(logits, 2), targets, rng.integers(0, n // 2, n)


def test_torchmetrics_example_of_four_images_and_three_labels():
    probs = np.array([[0.75, 0.05, 0.35], [0.45, 0.75, 0.05], [0.05, 0.55, 0.75], [0.05, 0.65, 0.05]])
    targets = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]])
    logits = np.log(probs / (1 - probs))
    metrics = evaluate(logits, targets, np.arange(4), "abc", min_patients=1)
    assert [round(row.auroc, 4) for row in metrics.labels] == [0.6250, 0.5000, 0.8333]
    assert round(metrics.macro_auroc, 4) == 0.6528


def test_every_figure_of_a_label_is_sklearns():
    logits, targets, patients = cases()
    thresholds = np.array([0.4, 0.5, 0.5, 0.5])
    row = evaluate(logits, targets, patients, LABELS, thresholds).labels[0]
    known = ~np.isnan(targets[:, 0])
    z, t = logits[known, 0], targets[known, 0]
    called = expit(z) >= 0.4
    assert (row.n_pos, row.n_neg) == (t.sum(), (1 - t).sum())
    assert row.auroc == pytest.approx(roc_auc_score(t, z))
    assert row.ap == pytest.approx(average_precision_score(t, z))
    assert row.sensitivity == pytest.approx(recall_score(t, called))
    assert row.specificity == pytest.approx(recall_score(1 - t, ~called))
    assert row.f1 == pytest.approx(f1_score(t, called))
    assert row.brier == pytest.approx(brier_score_loss(t, expit(z)))
    assert row.threshold == 0.4
    assert row.evaluable
    assert row.n_pos_patients == len(np.unique(patients[known][t == 1]))
    assert row.sensitivity_low < row.sensitivity < row.sensitivity_high
    assert row.specificity_low < row.specificity < row.specificity_high


def test_the_macro_leaves_a_patient_out_of_every_label_at_once():
    """Against scikit-learn on what is left: mean over the same two labels, whoever is left out."""
    rng = np.random.default_rng(0)
    targets, patients = (rng.random((120, 3)) < [0.4, 0.2, 0.02]).astype(float), rng.integers(0, 60, 120)
    logits = rng.normal(size=(120, 3)) + targets

    def mean(rows):
        return np.mean([roc_auc_score(targets[rows, k], logits[rows, k]) for k in (0, 1)])

    found, whole = evaluate(logits, targets, patients, "abc"), mean(np.arange(120))
    assert (found.n_labels, found.macro_auroc) == (2, pytest.approx(whole))
    reach = np.sqrt(sum((logit(mean(patients != p)) - logit(whole)) ** 2 for p in np.unique(patients)))
    half = [(logit(found.macro_high) - logit(whole)) / reach, (logit(whole) - logit(found.macro_low)) / reach]
    assert half[0] == pytest.approx(half[1])
    assert 1.96 < half[0] < 2.1, "Student's quantile for some forty effective patients"


def test_unknown_targets_count_for_nothing():
    logits, targets, patients = cases()
    spoilt = np.where(np.isnan(targets), 99.0, logits)
    first, second = (evaluate(z, targets, patients, LABELS).to_dict() for z in (logits, spoilt))
    assert first == second


def test_ours_is_torchmetrics_macro_where_all_labels_are_evaluable():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 5)) < 0.3).astype(int)
    logits = np.round(rng.normal(size=(200, 5)) + targets, 1)
    theirs = multilabel_auroc(torch.from_numpy(expit(logits)), torch.from_numpy(targets), 5)
    assert evaluate(logits, targets, np.arange(200), "abcde").macro_auroc == pytest.approx(float(theirs))


def test_too_few_cases_and_one_class_are_nan_silent_and_out_of_the_macro(recwarn):
    logits, targets, patients = cases()
    metrics = evaluate(logits, targets, patients, LABELS, np.full(4, 0.3))
    common, rare, absent, everywhere = metrics.labels
    assert 0 < rare.n_pos < 10
    assert absent.n_pos == 0
    assert everywhere.n_neg == 0
    assert [row.evaluable for row in metrics.labels] == [True, False, False, False]
    for row in (rare, absent, everywhere):
        figures = {k: v for k, v in row.to_dict().items() if k not in ("label", "threshold", "evaluable")}
        assert [k for k, v in figures.items() if v is not None] == ["n_pos", "n_pos_patients", "n_neg"]
        assert row.threshold == 0.3
    assert metrics.macro_auroc == common.auroc
    assert (metrics.macro_low, metrics.macro_high) == (common.auroc_low, common.auroc_high)
    assert not recwarn


def test_ten_positive_patients_decide_not_ten_images():
    """Ten films of six patients are six cases."""
    logits, targets, patients = np.random.default_rng(0).normal(size=(60, 1)), np.zeros((60, 1)), np.arange(60)
    targets[:10] = 1
    by_image = evaluate(logits, targets, patients, ["x"])
    assert (by_image.labels[0].n_pos, by_image.labels[0].n_pos_patients, by_image.n_labels) == (10, 10, 1)
    patients[:10] = [0, 0, 0, 1, 1, 2, 3, 3, 4, 5]
    by_patient = evaluate(logits, targets, patients, ["x"])
    assert (by_patient.labels[0].n_pos, by_patient.labels[0].n_pos_patients, by_patient.n_labels) == (10, 6, 0)
    assert np.isnan([by_patient.labels[0].auroc, by_patient.macro_auroc, by_patient.macro_low]).all()
    assert evaluate(logits, targets, patients, ["x"], min_patients=6).n_labels == 1
    assert evaluate(logits, targets, patients, ["x"], min_patients=7).n_labels == 0


def test_a_probability_on_its_threshold_is_called_and_the_means_are_over_evaluable_labels():
    logits, targets = np.zeros((40, 2)), np.zeros((40, 2))  # every probability is 0.5
    targets[:20, 0], targets[:2, 1] = 1, 1
    metrics = evaluate(logits, targets, np.arange(40) // 2, "ab", [0.5, 0.5])
    assert (metrics.n, metrics.n_patients) == (40, 20)
    row = metrics.labels[0]
    assert (row.sensitivity, row.specificity) == (1, 0)
    assert not metrics.labels[1].evaluable
    assert (metrics.ece, metrics.brier, metrics.macro_ap) == (row.ece, row.brier, row.ap)
    assert (metrics.brier, metrics.macro_ap) == (0.25, 0.5)


def test_the_threshold_that_is_told_is_that_of_the_first_seed():
    logits, targets, patients = cases(seeds=2)
    thresholds = np.array([[0.3, 0.5, 0.5, 0.5], [0.6, 0.5, 0.5, 0.5]])
    assert evaluate(logits, targets, patients, LABELS, thresholds).labels[0].threshold == 0.3


def test_without_thresholds_there_is_no_operating_point():
    row = evaluate(*cases(), LABELS).labels[0]
    assert np.isnan([row.threshold, row.sensitivity, row.specificity, row.f1]).all()
    assert row.evaluable


def test_the_order_of_the_images_does_not_matter():
    logits, targets, patients = cases()
    thresholds = best_thresholds(logits, targets, patients)
    order = np.random.default_rng(1).permutation(len(patients))
    first = evaluate(logits, targets, patients, LABELS, thresholds)
    second = evaluate(logits[order], targets[order], patients[order], LABELS, thresholds)
    for a, b in zip(dataclasses.astuple(first.labels[0]), dataclasses.astuple(second.labels[0]), strict=True):
        assert a == b if isinstance(a, str) else a == pytest.approx(b, abs=1e-12)
    assert first.macro_low == pytest.approx(second.macro_low, abs=1e-12)


def test_the_order_of_the_labels_does_not_matter():
    logits, targets, patients = cases()
    turned = evaluate(logits[:, ::-1], targets[:, ::-1], patients, LABELS[::-1])
    assert turned.labels[3].to_dict() == evaluate(logits, targets, patients, LABELS).labels[0].to_dict()


def test_seeds_are_averaged_and_each_one_is_kept():
    logits, targets, patients = cases(seeds=3)
    together = evaluate(logits, targets, patients, LABELS, np.full((3, 4), 0.4))
    apart = [evaluate(z, targets, patients, LABELS, np.full(4, 0.4)) for z in logits]
    for name in ("auroc", "ap", "sensitivity", "specificity", "f1", "ece", "brier"):
        mean = np.mean([getattr(m.labels[0], name) for m in apart])
        assert getattr(together.labels[0], name) == pytest.approx(mean)
    assert together.seed_macro_auroc == pytest.approx([m.macro_auroc for m in apart])
    assert together.macro_auroc == pytest.approx(np.mean(together.seed_macro_auroc))


def test_of_several_seeds_the_interval_holds_their_scatter_too():
    logits, targets, patients = cases()
    scattered = np.stack([logits + skill * np.nan_to_num(targets) for skill in (-1.0, 0.0, 1.0)])
    one, several = (evaluate(z, targets, patients, LABELS) for z in (logits, scattered))
    assert several.macro_high - several.macro_low > 1.5 * (one.macro_high - one.macro_low)


def test_equal_seeds_change_nothing():
    logits, targets, patients = cases()
    one, three = (evaluate(z, targets, patients, LABELS) for z in (logits, np.stack([logits] * 3)))
    assert three.macro_low == pytest.approx(one.macro_low, abs=1e-12)
    assert three.macro_auroc == pytest.approx(one.macro_auroc, abs=1e-12)


def test_metrics_survive_json():
    metrics = evaluate(*cases(), LABELS)
    text = json.dumps(metrics.to_dict(), allow_nan=False)
    back = ModelMetrics.from_dict(json.loads(text))
    assert back.to_dict() == metrics.to_dict()
    assert np.isnan(back.labels[2].auroc)
    assert isinstance(back.labels, tuple)
    assert back.labels[0].label == "common"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda z, t, p: (z[:, :3], t, p), "expected logits of shape"),
        (lambda z, t, p: (z[:10], t, p), "expected logits of shape"),
        (lambda z, t, p: (z, t[:, :2], p), "4 labels"),
        (lambda z, t, p: (z, t, p[:9]), "one patient for each"),
        (lambda z, t, p: (z, t - 1, p), "must be 1"),
        (lambda z, t, p: (np.where(z > 0, np.nan, z), t, p), "diverged"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(spoil, said):
    with pytest.raises(DataError, match=said):
        evaluate(*spoil(*cases()), LABELS)


def test_thresholds_of_another_shape_are_refused():
    with pytest.raises(DataError, match="thresholds of shape"):
        evaluate(*cases(), LABELS, np.full(3, 0.5))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_logits_are_no_answers(value):
    logits = np.array([[value], [3.0], [-1.0], [0.0]])
    with pytest.raises(DataError, match="NaN or infinity"):
        evaluate(logits, np.array([[1], [1], [0], [0]]), np.arange(4), ["x"], min_patients=1)


def test_a_label_the_model_was_never_taught_is_not_evaluable():
    logits, targets, patients = cases()
    spoilt = logits.copy()
    spoilt[:, 0] = np.nan
    full, part = (evaluate(z, targets, patients, LABELS, min_patients=3) for z in (logits, spoilt))
    assert not part.labels[0].evaluable
    assert np.isnan([part.labels[0].auroc, part.labels[0].brier, part.labels[0].auroc_low]).all()
    assert part.labels[0].n_pos == full.labels[0].n_pos
    assert repr(part.labels[1:]) == repr(full.labels[1:]), "NaN equals nothing, its text does"
    assert part.macro_auroc == full.labels[1].auroc, "the only label left"
    assert np.isnan(best_thresholds(spoilt, targets, patients)[0])


def test_a_single_nan_logit_is_still_a_training_that_diverged():
    logits, targets, patients = cases()
    logits[5, 0] = np.nan
    with pytest.raises(DataError, match="diverged"):
        evaluate(logits, targets, patients, LABELS)
