import gzip

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.data.reading.padchest_labels import BROKEN, PAPER19, TORCHXRAYVISION
from cxrkd.data.stored import Monochrome1
from cxrkd.errors import DataError


def table(tree, **options):
    return load_cohort(PadChestConfig(folder=tree.folder, **options))


def test_the_nineteen_diagnoses_by_exact_name(padchest):
    found = table(padchest)
    assert len(PAPER19) == len(set(PAPER19)) == 19
    assert found.labels == PAPER19
    assert set(np.flatnonzero(found.targets[1])) == {PAPER19.index("pneumonia"), PAPER19.index("copd signs")}
    assert not found.targets[2].any(), "subcutaneous emphysema is no emphysema"
    assert (found.views[0], found.views[1], found.views[2]) == ("PA", "AP", "AP")


def test_torchxrayvisions_labels_are_those_of_torchxrayvision(padchest):
    datasets = pytest.importorskip("torchxrayvision.datasets")
    views = ["PA", "AP", "AP Supine"]
    theirs = datasets.PC_Dataset(padchest.folder, str(padchest.table), views=views, unique_patients=False)
    ours = table(padchest, labels="torchxrayvision")
    assert ours.labels == tuple(TORCHXRAYVISION) == tuple(theirs.pathologies)
    rows = {name: row for row, name in enumerate(ours.ids)}
    order = [rows[name.removesuffix(".png")] for name in theirs.csv["ImageID"]]
    np.testing.assert_array_equal(ours.targets[order], theirs.labels)


@pytest.mark.parametrize(
    "change",
    [
        {"Labels": ""},
        {"Labels": "nan"},
        {"Labels": "['exclude']"},
        {"Projection": "L"},
        {"PatientBirth": "2012.0"},
        {"PatientBirth": ""},
        {"ImageID": min(BROKEN)},
    ],
)
def test_rows_that_nobody_should_train_on_are_left_out(padchest, change):
    padchest.rows[4] |= change
    padchest.write()
    assert len(table(padchest)) == 29


def test_a_gzipped_table_and_flat_folders_are_read(padchest):
    with gzip.open(f"{padchest.table}.gz", "wb") as file:
        file.write(padchest.table.read_bytes())
    padchest.table.unlink()
    (padchest.folder / "images").mkdir()
    for path in list(padchest.folder.glob("[0-9]/*.png")):
        path.rename(padchest.folder / "images" / path.name)
    assert len(table(padchest)) == 30


def test_the_split_is_by_patient_and_follows_the_seed(padchest):
    first, second = table(padchest), table(padchest, seed=1)
    assert {name: len(first.rows(name)) for name in ("train", "val", "test")} == {"train": 21, "val": 3, "test": 6}
    assert (first.split != second.split).any()


def malformed(tree):
    tree.rows[3]["Labels"] = "['pneumonia'"
    tree.write()


def lateral(tree):
    for row in tree.rows:
        row["Projection"] = "L"
    tree.write()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda t: t.table.unlink(), "There is no PADCHEST"),
        (malformed, "column 'Labels': expected a list"),
        (lateral, "no labelled frontal film"),
        (lambda t: next(t.folder.glob("0/*.png")).unlink(), "1 of 30 images|30 of 30"),
    ],
)
def test_what_is_wrong_with_a_tree_is_one_sentence(padchest, damage, sentence):
    damage(padchest)
    with pytest.raises(DataError, match=sentence):
        table(padchest)


def test_films_marked_monochrome1_are_in_doubt_and_told(padchest):
    for row in padchest.rows[:3]:
        row["PhotometricInterpretation_DICOM"] = ["MONOCHROME1", "monochrome1", "MONOCHROME2"][padchest.rows.index(row)]
    padchest.write()
    found = table(padchest)
    assert [isinstance(source, Monochrome1) for source in found.pixels.sources] == [True, True] + [False] * 28
    assert "2 films are MONOCHROME1" in found.notes[0]


@pytest.mark.parametrize("name", ["../x.png", "/etc/hostname"])
@pytest.mark.parametrize("column", ["ImageID", "ImageDir"])
def test_no_image_lies_outside_the_folder(padchest, column, name):
    padchest.rows[4][column] = name
    padchest.write()
    with pytest.raises(DataError, match=r"leads out of"):
        table(padchest)


@pytest.mark.parametrize("labels", ["'pneumonia'", "{'a': 1}", "['pneumonia' 'normal']", "[" * 300, "pneumonia", "1"])
def test_labels_that_are_no_list_are_named(padchest, labels):
    padchest.rows[3]["Labels"] = labels
    padchest.write()
    with pytest.raises(DataError, match="row 5, column 'Labels': expected a list"):
        table(padchest)


def test_patients_that_went_through_floats_are_refused(padchest):
    padchest.rows[3]["PatientID"] = "8.39860488694292e+35"
    padchest.write()
    with pytest.raises(DataError, match=r"row 5, column 'PatientID': expected every digit"):
        table(padchest)
