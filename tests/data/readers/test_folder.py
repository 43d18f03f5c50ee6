import numpy as np
import pytest

from cxrkd.config import FolderConfig
from cxrkd.data.readers import read_table
from cxrkd.errors import DataError


def table(tree, **options):
    return read_table(FolderConfig(folder=tree.folder, **options))


def add(tree, column, values):
    tree.header = [*tree.header, column]
    for row, value in zip(tree.rows, values, strict=True):
        row[column] = value
    tree.write()


def test_every_other_column_is_a_label_and_empty_is_unknown(own):
    found = table(own)
    assert found.labels == ("Effusion", "Mass")
    np.testing.assert_array_equal(found.targets[:2], [[0, 1], [1, np.nan]])
    assert (found.ids[3], found.patients[3], found.views[3]) == ("p1-3", "1", "unknown")
    assert all(len(found.rows(name)) for name in ("train", "val", "test"))


def test_a_row_without_any_label_is_kept(own):
    """Under a teacher it is of use."""
    for row in own.rows[::3]:
        row |= {"Effusion": "", "Mass": " "}
    own.write()
    found = table(own)
    assert len(found) == 24
    np.testing.assert_array_equal(np.isnan(found.targets).all(1), [index % 3 == 0 for index in range(24)])
    assert all(len(found.rows(name)) for name in ("train", "val", "test"))


def test_the_tables_split_is_kept_and_a_missing_val_is_carved_from_train(own):
    add(own, "split", ["train"] * 16 + ["val"] * 4 + ["test"] * 4)
    assert [len(table(own).rows(name)) for name in ("train", "val", "test")] == [16, 4, 4]
    for row in own.rows[16:20]:
        row["split"] = "train"
    own.write()
    assert [len(table(own).rows(name)) for name in ("train", "val", "test")] == [18, 2, 4]


def test_columns_and_labels_can_be_named(own):
    own.header = ["file", "person", "position", "Effusion", "Mass"]
    for row in own.rows:
        row |= {"file": row["image"], "person": row["patient"], "position": "PA"}
    own.write()
    names = {"image_column": "file", "patient_column": "person", "view_column": "position"}
    found = table(own, labels=("Mass",), **names)
    assert found.labels == ("Mass",)
    assert set(found.views) == {"PA"}


def leak(tree):
    add(tree, "split", ["train", "test"] * 11 + ["val"] * 2)


@pytest.mark.parametrize(
    ("damage", "options", "sentence"),
    [
        (lambda t: None, {"table": "mine.csv"}, "There is no file .*mine.csv"),
        (lambda t: None, {"labels": ("Gout",)}, "no column 'Gout'"),
        (lambda t: None, {"patient_column": "person"}, "no column 'person'"),
        (lambda t: (t.rows[2].update(patient=" "), t.write()), {}, "row 4: the column 'patient' is empty"),
        (
            lambda t: (t.rows[2].update(Mass=2), t.write()),
            {},
            "row 4, column 'Mass': expected 0, 1 or nothing, got '2'",
        ),
        (lambda t: (t.rows[2].update(image="no.png"), t.write()), {}, "1 of 24 images .*no.png"),
        (lambda t: add(t, "split", ["train", "dev"] * 12), {}, "expected train, val, test, got 'dev'"),
        (lambda t: add(t, "split", ["train"] * 24), {}, "test has none"),
        (leak, {}, "more than one split"),
        (lambda t: (t.header.remove("Mass"), t.header.remove("Effusion"), t.write()), {}, "no label column"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence(own, damage, options, sentence):
    damage(own)
    with pytest.raises(DataError, match=sentence):
        table(own, **options)
