import numpy as np
import pytest

from cxrkd.data.cohort import check_no_leak
from cxrkd.data.splits import split_by_patient
from cxrkd.errors import DataError

PATIENTS = np.array([f"p{i % 100:03d}" for i in range(250)])


def test_no_patient_is_in_two_splits_and_shares_are_kept():
    split = split_by_patient(PATIENTS, 0)
    check_no_leak(PATIENTS, split)
    counts = {name: len(set(PATIENTS[split == name])) for name in ("train", "val", "test")}
    assert counts == {"train": 70, "val": 10, "test": 20}


def test_row_order_does_not_matter_and_the_seed_does():
    order = np.random.default_rng(0).permutation(len(PATIENTS))
    split = split_by_patient(PATIENTS, 3)
    np.testing.assert_array_equal(split_by_patient(PATIENTS[order], 3), split[order])
    assert (split_by_patient(PATIENTS, 4) != split).any()


def test_the_smallest_cohort_still_has_every_split():
    assert set(split_by_patient(np.array(["a", "b", "c"]), 0)) == {"train", "val", "test"}


@pytest.mark.parametrize("shares", [(0.7, 0.1, 0.1), (1.0, 0.0, 0.0)])
def test_shares_that_make_no_split_are_refused(shares):
    with pytest.raises(DataError, match="add up to one"):
        split_by_patient(PATIENTS, 0, shares)


def test_too_few_patients_are_refused():
    with pytest.raises(DataError, match="2 patients"):
        split_by_patient(np.array(["a", "b"]), 0)


def test_labels_are_dealt_out_in_proportion():
    rng = np.random.default_rng(1)
    patients = np.array([f"p{i:04d}" for i in range(500)]).repeat(2)
    targets = (rng.random((1000, 3)) < (0.01, 0.1, 0.4)).astype(np.float32)
    split = split_by_patient(patients, 0, targets=targets)
    check_no_leak(patients, split)
    of_patient = targets.reshape(500, 2, 3).max(1)
    for label in range(3):
        total = of_patient[:, label].sum()
        for name, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
            count = of_patient[split[::2] == name, label].sum()
            assert abs(count - share * total) <= max(2, 0.06 * total), (label, name)
    counts = np.array([(split[::2] == name).sum() for name in ("train", "val", "test")])
    assert abs(counts - (350, 50, 100)).max() <= 15


def test_stratified_rows_may_come_in_any_order_and_unknown_labels_count_as_absent():
    targets = (np.random.default_rng(2).random((len(PATIENTS), 4)) < 0.1).astype(float)
    targets[::7] = np.nan
    order = np.random.default_rng(0).permutation(len(PATIENTS))
    split = split_by_patient(PATIENTS, 3, targets=targets)
    np.testing.assert_array_equal(split_by_patient(PATIENTS[order], 3, targets=targets[order]), split[order])
