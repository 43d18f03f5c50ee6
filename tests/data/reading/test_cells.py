"""Values of cells: labels, patients and splits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrkd.data.reading.cells import filled, numbers, patients, splits
from cxrkd.errors import DataError

CSV = Path("labels.csv")


def column(values, name="x"):
    return pd.DataFrame({name: values}, index=range(2, 2 + len(values)), dtype=object)


def whose(*values):
    return patients(column(values), "x", CSV)


def test_what_programs_write_for_present_absent_and_unknown():
    cells = ["1", "1.0", "True", "true", "TRUE", "+1", "0", "0.0", "False", "-0", "", "NaN", "nan", "NA", "N/A", "<NA>"]
    found = numbers(column(cells), ["x"], (0, 1), CSV)[:, 0]
    np.testing.assert_array_equal(found, [1] * 6 + [0] * 4 + [np.nan] * 6)


@pytest.mark.parametrize("cell", ["2", "0.5", "yes", "1,0", "inf", "1_0", "0x1", "none", "present", "1e", "--1"])
def test_other_label_cells_are_named_with_row_and_column(cell):
    with pytest.raises(DataError, match=r"labels.csv, row 3, column 'x': expected 0, 1 or nothing, got") as told:
        numbers(column(["1", cell]), ["x"], (0, 1), CSV)
    assert repr(cell) in str(told.value)


def test_what_minus_one_means_is_said_where_it_is_refused():
    with pytest.raises(DataError, match=r"got '-1.0' .*uncertain findings in CheXpert"):
        numbers(column(["-1.0"]), ["x"], (0, 1), CSV)
    assert numbers(column(["-1.0"]), ["x"], (-1, 0, 1), CSV).tolist() == [[-1]]


@pytest.mark.parametrize(
    ("values", "n"),
    [
        (["0", "0.0", "1", "1.0"], 2),
        (["00000", "0", "00001", "1"], 2),
        (["7", "007", "7.", "7e0", "+7"], 1),
        (["1e5", "100000", "1E+05"], 1),
        (["12", "1.2"], 2),
        (["00001", "00002", "00010"], 3),
        (["p1", "p01", "1"], 3),
        (["-1", "1"], 2),
        (["1.2.840.1", "1.2.840.10"], 2),
        (["839860488694292331637988235681460987", "839860488694292331637988235681460988"], 2),
        (["0", "-0"], 1),
        (["7", "7,0", "8"], 2),
        (["1,234", "1234", "a,1", "a.1"], 4),
        (["caf\u00e9", "cafe\u0301"], 1),
    ],
)
def test_spellings_of_one_number_are_one_patient(values, n):
    found, notes = whose(*values)
    assert len(set(found)) == n
    assert bool(notes) == (n < len(set(values)))


@given(st.lists(st.integers(0, 2000), min_size=2, max_size=20), st.data())
def test_a_column_of_whole_numbers_keeps_its_patients_however_it_is_spelled(values, data):
    spell = data.draw(st.sampled_from([str, lambda i: f"{i}.0", lambda i: f"{i:06d}", lambda i: f"{i:.3e}"]))
    other = data.draw(st.sampled_from([str, lambda i: f"{i}.00", lambda i: f"{i:04d}"]))
    found, _ = whose(*[(spell if k % 2 else other)(value) for k, value in enumerate(values)])
    exact = [float(spell(value)) for value in values]
    for i in range(len(values)):
        for j in range(len(values)):
            same = (exact[i] if i % 2 else values[i]) == (exact[j] if j % 2 else values[j])
            assert (found[i] == found[j]) == same


def test_one_way_of_writing_is_left_as_it_is_and_two_are_told():
    assert whose("00002", "00001")[0].tolist() == ["00002", "00001"]
    found, (note,) = whose("7.0", "8", "7")
    assert found.tolist() == ["7", "8", "7"]
    assert "'7' and '7.0'" in note


@pytest.mark.parametrize("value", ["8.39860488694292e+35", "9007199254740992.0", "1.23457E+11", "1,23457E+11"])
def test_patients_that_lost_digits_are_refused(value):
    with pytest.raises(DataError, match=r"row 3, column 'x': expected every digit"):
        whose("1", value)


@pytest.mark.parametrize("value", ["", "nan", "NaN", "NA", "None", "a\nb", "a\x7f", "x" * 1001])
def test_patients_and_images_are_one_line_and_there(value):
    with pytest.raises(DataError, match="row 3"):
        filled(column(["a", value]), "x", CSV)


def test_split_words_in_full_and_in_any_case():
    cells = ["train", "Training", "TRAIN", "val", "Valid", "validation", "test", "Testing"]
    assert splits(column(cells), "x", CSV).tolist() == ["train"] * 3 + ["val"] * 3 + ["test"] * 2


@pytest.mark.parametrize("cell", ["train_do_not_use", "tra", "dev", "testset", "0", "valid.", "holdout", ""])
def test_other_split_words_are_named(cell):
    with pytest.raises(DataError, match="row 3"):
        splits(column(["train", cell]), "x", CSV)
