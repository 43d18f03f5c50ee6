import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14


def table(tree, **options):
    return load_cohort(ChestXray14Config(folder=tree.folder, **options))


def test_rows_labels_patients_and_views_are_those_of_the_table(nih):
    found = table(nih)
    assert found.labels == CHESTXRAY14
    assert len(found) == 48
    assert [path.name for path in found.pixels.sources] == [row["Image Index"] for row in nih.rows]
    assert found.targets[0].sum() == 0
    assert set(np.flatnonzero(found.targets[2])) == {
        CHESTXRAY14.index("Effusion"),
        CHESTXRAY14.index("Pleural_Thickening"),
    }
    assert (found.ids[1], found.patients[1], found.views[1]) == ("00000001_001", "1", "AP")


def test_the_test_list_is_the_official_one_and_val_comes_from_the_rest_by_patient(nih):
    found = table(nih)
    np.testing.assert_array_equal(found.rows("test"), np.arange(32, 48))
    assert len(found.rows("val")) == 4  # an eighth of 16 patients with two films
    other = table(nih, seed=1)
    assert (found.split != other.split).any()
    np.testing.assert_array_equal(found.split, table(nih).split)


def test_boxes_are_scaled_from_1024_pixels_and_infiltrate_is_infiltration(nih):
    masks = table(nih).lesions.masks(33, 64)
    k = CHESTXRAY14.index("Infiltration")
    ys, xs = np.nonzero(masks[k])
    assert (xs.min(), xs.max() + 1, ys.min(), ys.max() + 1) == (32, 40, 16, 20)
    assert masks.sum() == masks[k].sum()
    assert not table(nih).lesions.masks(34, 64).any()


def test_a_tree_without_boxes_and_with_one_image_folder_is_read(nih):
    (nih.folder / "BBox_List_2017.csv").unlink()
    (nih.folder / "images").mkdir()
    for path in list(nih.folder.glob("images_*/images/*.png")):
        path.rename(nih.folder / "images" / path.name)
    assert table(nih).lesions is None


def test_real_trees_are_read_unchanged(shared_data):
    for name, n, n_test in (("nih_mini", 1321, 347), ("nih_64", 701, 192)):
        found = load_cohort(ChestXray14Config(folder=shared_data / name))
        assert (len(found), len(found.rows("test"))) == (n, n_test)
        assert found.lesions is not None
        assert not set(found.patients[found.rows("train")]) & set(found.patients[found.rows("val")])


def label(tree):
    tree.rows[5]["Finding Labels"] = "Effusion|Gout"
    tree.write()


def column(tree):
    tree.header = [name for name in tree.header if name != "Patient ID"]
    tree.write()


def empty(tree):
    tree.rows = []
    tree.write()


def both(tree):
    path = tree.folder / "test_list.txt"
    path.write_text(path.read_text() + tree.rows[0]["Image Index"])


def neither(tree):
    (tree.folder / "test_list.txt").write_text(tree.rows[40]["Image Index"])


def leak(tree):
    tree.rows[47]["Patient ID"] = 1
    tree.write()


def twice(tree):
    tree.rows.append(tree.rows[47])
    tree.write()


def box(tree):
    path = tree.folder / "BBox_List_2017.csv"
    path.write_text(path.read_text().replace("512.0", "left"))


def finding(tree):
    path = tree.folder / "BBox_List_2017.csv"
    path.write_text(path.read_text().replace("Infiltrate", "Gout"))


def binary(tree):
    tree.table.write_bytes(b"\xff\xfe\x00\x01" * 40)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda t: t.table.unlink(), "There is no Data_Entry_2017"),
        (lambda t: (t.folder / "test_list.txt").unlink(), "There is no file .*test_list.txt"),
        (lambda t: (t.folder / "images_001/images/00000001_000.png").unlink(), "1 of 48 images .*00000001_000.png"),
        (label, "row 7: 'Gout' is none of the 14"),
        (column, "no column 'Patient ID'"),
        (empty, "no rows"),
        (both, "00000001_000.png is in train_val_list.txt and in test_list.txt"),
        (neither, "15 images are in neither"),
        (leak, "more than one split"),
        (twice, "rows 49 and 50: .*00000024_001.png comes twice"),
        (box, "a box that is not four numbers"),
        (finding, "the finding 'Gout'"),
        (binary, "cannot be read as text"),
    ],
)
def test_what_is_wrong_with_a_tree_is_one_sentence(nih, damage, sentence):
    damage(nih)
    with pytest.raises(DataError, match=sentence):
        table(nih)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match="does not exist; expected the folder"):
        load_cohort(ChestXray14Config(folder=tmp_path / "nowhere"))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        load_cohort(ChestXray14Config(folder=tmp_path / "file"))


def test_patients_and_names_written_by_a_spreadsheet(nih):
    for i, row in enumerate(nih.rows):
        row["Patient ID"] = [row["Patient ID"], f"{row['Patient ID']}.0"][i % 2]
        row["Finding Labels"] = row["Finding Labels"].replace("|", " | ")
        row["View Position"] = ["PA", ""][i % 2]
    nih.write()
    nih.table.write_bytes(b"\xef\xbb\xbf" + nih.table.read_bytes().replace(b",", b";"))
    for name in ("train_val_list.txt", "test_list.txt"):
        path = nih.folder / name
        path.write_text("\ufeff" + path.read_text())
    (nih.folder / "BBox_List_2017.csv").write_text(
        (nih.folder / "BBox_List_2017.csv").read_text().replace("h],,,", "h],Unnamed: 6,Unnamed: 7,Unnamed: 8")
    )
    found = table(nih)
    assert len(set(found.patients)) == 24
    assert set(found.views) == {"PA", "unknown"}
    assert found.lesions is not None
    assert "spellings of one number" in found.notes[0]


@pytest.mark.parametrize("name", ["../x.png", "/etc/hostname", "..\\x.png"])
def test_no_image_lies_outside_the_folder(nih, name):
    nih.rows[5]["Image Index"] = name
    nih.write()
    with pytest.raises(DataError, match=r"row 7: .* leads out of"):
        table(nih)


def test_upper_case_suffixes_are_found(nih):
    for path in list(nih.folder.glob("images_*/images/*.png")):
        path.rename(path.with_suffix(".PNG"))
    assert {path.suffix for path in table(nih).pixels.sources} == {".PNG"}
