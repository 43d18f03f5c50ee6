"""What a table says before a run: counts by hand, and each warning where it is due and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS
from cxrkd.evaluate.metrics import evaluate
from cxrkd.runs.data_check import check_data
from tests import toys


@pytest.fixture
def cohort():
    """60 patients of two films, 3 labels, each patient's films alike; 36, 12 and 12 patients; p048 and on are test."""
    made = toys.blobs()
    return replace(made, targets=np.repeat(made.targets[::2], 2, axis=0))


def with_targets(cohort, rows, k, value):
    targets = cohort.targets.copy()
    targets[rows, k] = value
    return replace(cohort, targets=targets)


def test_what_is_counted(cohort):
    check = check_data(cohort)
    assert check.images == {"train": 72, "val": 24, "test": 24}
    assert check.patients == {"train": 36, "val": 12, "test": 12}
    left = check.labels[0]
    assert left.label == "Left"
    assert left.prevalence == pytest.approx(float(cohort.targets[:, 0].mean()))
    test = cohort.targets[96::2, 0]
    assert left.positive_patients["test"] == int(test.sum())


def test_a_label_is_judged_here_where_it_is_judged_in_a_run(cohort):
    """Exactly as many positive test patients as a figure needs, and one fewer."""
    enough = 2 * MIN_POSITIVE_PATIENTS
    none = with_targets(cohort, slice(96, None), slice(None), 0)
    few = with_targets(none, slice(96, 96 + enough), 0, 1)
    few = with_targets(few, slice(96, 96 + enough - 2), 1, 1)
    check, rows = check_data(few), few.rows("test")
    assert [one.positive_patients["test"] for one in check.labels] == [10, 9, 0]
    logits = np.random.default_rng(0).normal(size=few.targets[rows].shape)
    judged = evaluate(logits, few.targets[rows], few.patients[rows], few.labels)
    assert [one.judged for one in check.labels] == [row.evaluable for row in judged.labels] == [True, False, False]
    (sentence,) = check.warnings
    assert sentence == (
        "2 of 3 labels cannot be judged, not enough cases in test (fewer than 10 positive patients, or no negative "
        "image): Right (9), Bright (0)."
    )


def test_nothing_is_warned_of_where_all_is_well(cohort):
    well = with_targets(cohort, slice(96, 116), slice(None), 1)
    well = with_targets(well, slice(116, None), slice(None), 0)
    assert check_data(well, batch_size=72).warnings == ()
    (few,) = check_data(well, batch_size=73).warnings
    assert few == "There are 72 training images, fewer than a batch of 73: every epoch is one step."


def test_a_label_that_no_training_film_has_and_films_without_labels(cohort):
    well = with_targets(cohort, slice(96, 116), slice(None), 1)
    well = with_targets(well, slice(116, None), slice(None), 0)
    wrong = with_targets(with_targets(well, slice(0, 72), 2, 0), [0, 1, 80], slice(None), np.nan)
    untaught, unlabelled = check_data(wrong).warnings
    assert untaught == "No training image has Bright: no label teaches that."
    assert unlabelled.startswith("3 images have no known label (train 2, val 1, test 0): ")
    assert check_data(wrong).unlabelled == 3


def test_a_label_that_is_known_of_nobody_has_no_prevalence(cohort):
    label = check_data(with_targets(cohort, slice(None), 1, np.nan)).labels[1]
    assert np.isnan(label.prevalence)
    assert not label.judged
