"""How far a network can be relied on, held against counts made here."""

import numpy as np
import pytest

from cxrkd.answers.calls import call_of
from cxrkd.answers.verdict import not_judged, partly_judged, verdict
from cxrkd.evaluate.thresholds import MIN_THRESHOLD_PATIENTS
from cxrkd.jobs.files import write_json
from cxrkd.runs import create, open_run
from cxrkd.runs.metrics import measure_member
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.run import LABELS as LABELS_FILE
from cxrkd.runs.standing import NO_NEGATIVE, UNTAUGHT, standing, standing_from, thresholds_of
from tests.shipped import RUNS

LABELS = ("Mass", "Edema", "Hernia", "Nodule", "Fibrosis", "Effusion")


def said(targets, logits=None):
    n, k = targets.shape
    logits = np.random.default_rng(0).normal(size=(1, n, k)).astype(np.float32) if logits is None else logits
    patients = np.array([f"p{row // 2}" for row in range(n)])  # two films each
    ids = np.array([str(row) for row in range(n)])
    return Predictions(logits, targets.astype(np.float32), patients, ids, np.full(n, "PA"), (0,))


@pytest.fixture
def val():
    targets = np.zeros((80, len(LABELS)))
    targets[:40, 0] = 1  # 20 patients
    targets[0, 1] = 1  # one
    targets[:4, 2] = 1  # four films of two
    targets[:, 4] = np.where(np.arange(80) < 60, 1, np.nan)  # nobody without it
    targets[:40, 5] = 1
    found = said(targets)
    found.logits[:, :, 5] = np.nan  # never taught
    return found


@pytest.fixture
def known(val):
    return standing_from(measure_member("a", val, val, LABELS), val)


def test_the_reason_counts_patients_and_not_films(known):
    assert known.not_judged == (
        "",
        f"1 positive patient in validation, {MIN_THRESHOLD_PATIENTS} are needed",
        f"2 positive patients in validation, {MIN_THRESHOLD_PATIENTS} are needed",
        f"no positive patient in validation, {MIN_THRESHOLD_PATIENTS} are needed",
        NO_NEGATIVE,
        UNTAUGHT,
    )


def test_a_label_is_folded_only_where_no_member_judges_it(known, val):
    taught = said(np.nan_to_num(val.targets))
    other = standing_from(measure_member("b", taught, taught, LABELS), taught)
    assert list(not_judged({"teacher": known, "alone": other})) == ["Edema", "Hernia", "Nodule"]
    assert partly_judged({"teacher": known, "alone": other}) == {
        "Fibrosis": {"teacher": NO_NEGATIVE},
        "Effusion": {"teacher": UNTAUGHT},
    }


def test_the_figures_of_a_run_are_those_of_the_network_that_answers(tiny_run):
    known, figures = standing(tiny_run, "distilled"), tiny_run.metrics().of("distilled").model
    np.testing.assert_array_equal(known.auroc, [row.auroc for row in figures.labels])
    np.testing.assert_array_equal(known.high, [row.auroc_high for row in figures.labels])
    missing = [reason == "" for reason in known.not_judged]
    np.testing.assert_array_equal(missing, ~np.isnan(tiny_run.thresholds("distilled")))


def test_json_has_none_where_there_are_not_enough_cases(known):
    about = known.to_dict()
    assert about["Nodule"]["auroc"] is None
    assert 0 <= about["Mass"]["auroc_low"] <= about["Mass"]["auroc"] <= about["Mass"]["auroc_high"] <= 1


def test_shipped_runs_say_why_for_every_label_that_they_do_not_judge():
    for name in RUNS:
        run = open_run(name)
        for member in run.members():
            known = standing(run, member)
            cuts = run.thresholds(member)
            assert [reason == "" for reason in known.not_judged] == (~np.isnan(cuts)).tolist()


def test_underscores_are_not_words():
    assert verdict(["Pleural_Thickening"], LABELS) == "pleural thickening, of the 6 findings it can call"


def test_without_a_threshold_nothing_is_called(config):
    run = create(config())
    write_json(run.path / LABELS_FILE, list(LABELS))
    found = thresholds_of(run, ["alone"])
    assert np.isnan(found["alone"]).all()
    assert call_of(0.99, float(found["alone"][0])) == "not judged"
