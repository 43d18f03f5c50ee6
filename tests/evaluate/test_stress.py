"""What degradations do, against the figures that are measured without pairing and by hand."""

import json

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cxrkd.evaluate import paired_difference
from cxrkd.evaluate.stress import StressMetrics, StressRow, measure_stress

LABELS = ("a", "b", "rare")


@pytest.fixture
def asked():
    rng = np.random.default_rng(0)
    targets = (rng.random((240, 3)) < [0.4, 0.2, 0.01]).astype(float)
    clean = {name: rng.normal(size=(240, 3)) + 1.5 * targets for name in ("teacher", "distilled")}
    noisy = {name: z + rng.normal(size=z.shape) for name, z in clean.items()}
    darker = {name: z - 0.7 for name, z in clean.items()}
    return clean, {"noise": noisy, "gamma": darker}, targets, rng.integers(0, 100, 240)


def test_figures_are_those_of_the_pair(asked):
    clean, stressed, targets, patients = asked
    found = measure_stress(clean, stressed, targets, patients, LABELS)
    assert (found.stresses, found.members) == (("noise", "gamma"), ("teacher", "distilled"))
    assert (found.counted, found.n, found.n_patients) == (("a", "b"), 240, len(np.unique(patients)))
    for name, row in found.of("noise").items():
        now, then = (
            np.mean([roc_auc_score(targets[:, k], z[name][:, k]) for k in range(2)]) for z in (stressed["noise"], clean)
        )
        pair = paired_difference(stressed["noise"][name], clean[name], targets, patients, LABELS)
        assert (row.auroc, row.diff) == pytest.approx((now, now - then))
        assert (row.low, row.high) == (pair.macro_low, pair.macro_high)
        moved = (expit(stressed["noise"][name]) - expit(clean[name]))[:, :2]
        assert (row.shift, row.change) == pytest.approx((moved.mean(), np.abs(moved).mean()))
        assert next(one for one in found.clean if one.member == name).auroc == pytest.approx(then)


def test_what_keeps_the_order_changes_no_auroc(asked):
    found = measure_stress(*asked, LABELS)
    for row in found.of("gamma").values():
        assert (row.diff, row.low, row.high, row.holds) == (0, 0, 0, True)
        assert row.shift == -row.change < 0
    assert not any(row.holds for row in found.of("noise").values())


@pytest.mark.parametrize(("diff", "holds"), [(0.3, True), (-0.02, True), (0.9 - 0.92, True), (-0.0201, False)])
def test_two_hundredths_are_tolerated(diff, holds):
    assert StressRow("s", "m", 0.8, 0.7, 0.9, diff, diff - 0.1, diff + 0.1, 0, 0).holds is holds


def test_labels_that_were_never_taught_and_none_that_counts(asked):
    clean, stressed, targets, patients = asked
    for answers in (clean, *stressed.values()):
        answers["distilled"][:, 0] = np.nan
    found = measure_stress(clean, stressed, targets, patients, LABELS)
    assert np.isfinite([row.change for row in found.rows]).all()
    nothing = measure_stress(clean, stressed, np.zeros_like(targets), patients, LABELS)
    assert nothing.counted == ()
    assert np.isnan([(row.diff, row.change) for row in nothing.rows]).all()
    assert not any(row.holds for row in nothing.rows)


def test_figures_survive_json(asked):
    found = measure_stress(*asked, LABELS)
    back = StressMetrics.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert back == found
