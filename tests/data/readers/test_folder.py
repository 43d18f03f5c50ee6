from pathlib import Path

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.errors import DataError


def table(tree, **options):
    return load_cohort(FolderConfig(folder=tree.folder, **options))


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


def test_backslashes_suffixes_in_another_case_and_missing_suffixes_find_the_file(own):
    expected = [path.relative_to(own.folder).as_posix() for path in table(own).pixels.sources]
    for row in own.rows:
        row["image"] = row["image"].replace("/", "\\").replace(".png", ".PNG")
    own.write()
    assert [path.relative_to(own.folder).as_posix() for path in table(own).pixels.sources] == expected
    for row in own.rows:
        row["image"] = row["image"].removesuffix(".PNG")
    own.write()
    assert [path.relative_to(own.folder).as_posix() for path in table(own).pixels.sources] == expected
    for row, name in zip(own.rows, expected, strict=True):
        row["image"] = str(own.folder / name)
    own.write()
    assert [path.relative_to(own.folder).as_posix() for path in table(own).pixels.sources] == expected


def test_an_accent_is_one_letter_or_two(own):
    (own.folder / "p0" / "0.png").rename(own.folder / "p0" / "The\u0301.png")
    own.rows[0]["image"] = "p0/Th\u00e9.png"
    own.write()
    assert table(own).pixels.sources[0].name == "The\u0301.png"


def test_a_backslash_may_be_part_of_a_name(own):
    (own.folder / "p0" / "0.png").rename(own.folder / "a\\b.png")
    own.rows[0]["image"] = "a\\b.png"
    own.write()
    assert table(own).pixels.sources[0] == own.folder / "a\\b.png"


def test_names_without_a_suffix_are_whole(own):
    for i, row in enumerate(own.rows):
        path = own.folder / row["image"]
        row["image"] = f"1.2.826.0.1.3680043.8.498.{1000 + i}"
        path.rename(own.folder / row["image"])
    own.write()
    assert table(own).ids.tolist() == [row["image"] for row in own.rows]


def test_names_that_differ_in_their_suffix_or_folder_only_are_told_apart(own):
    names = ["p0/0.jpg", "p0-0.jpg", "p0/0.png"]
    for row, name in zip(own.rows, names, strict=False):
        source = own.folder / row["image"]
        (own.folder / name).write_bytes(source.read_bytes())
        row["image"] = name
    own.write()
    assert len(set(table(own).ids)) == 24


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "p0/../../x.png",
        "..",
        "/etc/hostname",
        "C:\\films\\x.png",
        "..\\x.png",
        "\\\\server\\x.png",
        "D:/x.png",
    ],
)
def test_no_image_lies_outside_the_folder(own, name):
    own.rows[4]["image"] = name
    own.write()
    (own.folder.parent / "x.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"row 6: .* leads out of"):
        table(own)


@pytest.mark.parametrize("name", [".", "p0", "p0/" + "x" * 300 + ".png", "https://example.org/x.png", "~/x.png"])
def test_what_is_no_file_is_named(own, name):
    own.rows[4]["image"] = name
    own.write()
    with pytest.raises(DataError, match="1 of 24 images"):
        table(own)


@pytest.mark.parametrize("again", ["p0/0.png", "./p0/0.png", "p1/../p0//0.png", "p0\\0.png", "p0/0.PNG", "p0/0"])
def test_an_image_comes_once(own, again):
    own.rows[5]["image"] = again
    own.write()
    with pytest.raises(DataError, match=r"rows 2 and 7: .*p0/0.png comes twice"):
        table(own)


def test_one_of_several_files_is_not_guessed(own):
    (own.folder / "p0" / "0.jpg").write_bytes((own.folder / "p0" / "0.png").read_bytes())
    own.rows[0]["image"] = "p0/0"
    own.write()
    with pytest.raises(DataError, match=r"Beside it is 0\.jpg and 0\.png"):
        table(own)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("image,patient,Effusion,Effusion", "'Effusion' is a second column"),
        ("image,patient,Effusion,Effusion.1", "'Effusion.1' is a second column"),
        ("image,patient,Effusion,effusion", "'Effusion' and 'effusion' cannot be told apart"),
        ("image,patient,Lung Lesion,Lung_Lesion", "cannot be told apart"),
        ("image,patient,Effusion,", "column 4 has cells and no name"),
        ("image,patient,Effusion,Unnamed: 3", "column 4 has cells and no name"),
        ("image,patient,Effusion,id", "cannot be called 'id'"),
        ("image,patient,image,Mass", "2 columns 'image'"),
        ('image,patient,"Effu\nsion",Mass', "a name is one line of text"),
    ],
)
def test_what_cannot_be_a_label(own, header, sentence):
    rows = [f"{row['image']},{row['patient']},{i % 2},{(i // 2) % 2}" for i, row in enumerate(own.rows)]
    own.table.write_text("\n".join([header, *rows]) + "\n")
    with pytest.raises(DataError, match=sentence):
        table(own)


def test_named_labels_leave_other_columns_alone(own):
    rows = [f"{row['image']},{row['patient']},{i % 2},said,note" for i, row in enumerate(own.rows)]
    own.table.write_text("\n".join(["image,patient,Effusion,report,report", *rows]) + "\n")
    assert table(own, labels=("Effusion",)).labels == ("Effusion",)
    with pytest.raises(DataError, match="2 columns 'report'"):
        table(own, labels=("report",))


@pytest.mark.parametrize("name", ["split_column", "view_column"])
def test_a_column_that_the_config_names_must_be_there(own, name):
    with pytest.raises(DataError, match="no column 'fold'"):
        table(own, **{name: "fold"})


def test_spellings_of_one_patient_are_kept_together_and_told(own):
    for i, row in enumerate(own.rows):
        row["patient"] = [f"{i // 2}", f"{i // 2}.0"][i % 2]
    own.write()
    found = table(own)
    assert len(set(found.patients)) == 12
    assert "spellings of one number count as one patient" in found.notes[0]


def test_a_table_of_test_films_alone_says_what_is_missing(own):
    add(own, "split", ["test"] * 24)
    with pytest.raises(DataError, match="train and val has none"):
        table(own)


CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "csv"


@pytest.mark.parametrize(
    ("case", "right"),
    [
        ("uid_no_extension", (8, 4)),
        ("patient_ids_mixed", (8, 4)),
        ("trailing_comma_in_rows", (8, 8)),
        ("windows_paths", (8, 8)),
        ("semicolon", (8, 4)),
        ("label_with_slash", (8, 8)),
        ("split_truncated", "row 3, column 'split': .*'train_do_not_use'"),
        ("duplicate_label", "'Effusion' is a second column"),
    ],
)
def test_hand_made_cases(case, right):
    if not CASES.is_dir():
        pytest.skip("needs ../shared/cases beside the repository")
    config = FolderConfig(folder=CASES / case)
    if isinstance(right, str):
        with pytest.raises(DataError, match=right):
            load_cohort(config)
    else:
        found = load_cohort(config)
        assert (len(found), len(set(found.patients))) == right
