import numpy as np
import pytest

from cxrkd.checksums import LIST
from cxrkd.errors import AnswerError, RunError
from cxrkd.runs.predictions import kept_rows, read_held_out, write_cases, write_logits


@pytest.fixture
def folder(tmp_path, blobs):
    rows = kept_rows(blobs)
    assert list(dict.fromkeys(blobs.split[rows])) == ["val", "test"]
    write_cases(tmp_path, blobs)
    for seed in (10, 2):
        write_logits(tmp_path, "distilled", seed, np.full((len(rows), 14), seed, np.float32) + rows[:, None])
    return tmp_path


@pytest.mark.parametrize("split", ["val", "test"])
def test_rows_keep_their_case(folder, blobs, split):
    rows = blobs.rows(split)
    found = getattr(read_held_out(folder, ["distilled"], blobs.labels, (5, 10, 2)), split)["distilled"]
    assert found.seeds == (10, 2)
    assert np.array_equal(found.logits[:, :, 3], np.stack([rows + 10, rows + 2]))
    assert np.array_equal(found.targets, blobs.targets[rows], equal_nan=True)
    assert found.ids.tolist() == blobs.ids[rows].tolist()  # "00097" must not become 97
    assert found.patients.tolist() == blobs.patients[rows].tolist()
    assert found.views.tolist() == blobs.views[rows].tolist()


def test_a_member_without_predictions_is_said(folder, blobs):
    with pytest.raises(RunError, match="alone"):
        read_held_out(folder, ["alone"], blobs.labels, (2, 10))


def test_files_that_do_not_line_up_are_refused(folder, blobs):
    write_logits(folder, "distilled", 3, np.zeros((5, 14), np.float32))
    with pytest.raises(RunError, match=r"predictions/distilled-seed3\.npz is damaged .*shape"):
        read_held_out(folder, ["distilled"], blobs.labels, (2, 3))


LINE = {
    "a line too few": lambda text: text[: text.rindex("\n", 0, -1) + 1],
    "a line cut": lambda text: text[:-3],
    "cut behind the id": lambda text: text[: text.rindex("\n", 0, -1) + 4] + "\n",
    "another split": lambda text: text.replace(",test,", ",tesk,"),
    "no text": lambda text: "\0" * 50,
    "empty": lambda text: "",
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("damage", list(LINE))
def test_a_damaged_table_is_blamed_itself(folder, blobs, damage, known):
    """Also where it is of a version that wrote no checksums, so that only the archives beside it tell."""
    path = folder / "predictions" / "cases.csv"
    path.write_text(LINE[damage](path.read_text()))
    if not known:
        (folder / LIST).unlink()
    with pytest.raises(RunError, match=r"predictions/cases\.csv is damaged"):
        read_held_out(folder, ["distilled"], blobs.labels, (2, 10))


def test_one_bit_in_the_table_is_found(folder, blobs):
    path = folder / "predictions" / "cases.csv"
    text = path.read_text()
    path.write_text(text[:-3] + ("0" if text[-3] == "1" else "1") + text[-2:])
    with pytest.raises(RunError, match=r"predictions/cases\.csv is damaged: expected the checksum"):
        read_held_out(folder, ["distilled"], blobs.labels, (2, 10))


def test_a_missing_table_is_named(folder, blobs):
    (folder / "predictions" / "cases.csv").unlink()
    with pytest.raises(RunError, match=r"cases\.csv is missing"):
        read_held_out(folder, ["distilled"], blobs.labels, (2, 10))


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("at", [0, 5, 40, 0.5, 0.9, -120])
def test_damaged_logits_name_their_file(folder, blobs, at, sealed):
    path = folder / "predictions" / "distilled-seed10.npz"
    if not sealed:
        np.savez_compressed(path, logits=np.load(path)["logits"])
    content = bytearray(path.read_bytes())
    where = int(at * len(content)) if isinstance(at, float) else at
    for damaged in (content[:where], content[:where] + bytes([content[where] ^ 255]) + content[where + 1 :]):
        path.write_bytes(damaged)
        try:
            found = read_held_out(folder, ["distilled"], blobs.labels, (10,)).test["distilled"]
        except RunError as error:
            assert "predictions/distilled-seed10.npz" in str(error)  # noqa: PT017
        else:  # the damage was to the end of the archive, where it has nothing but its comment
            assert (found.logits[0, :, 3] == blobs.rows("test") + 10).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_no_predictions(folder, blobs, value):
    logits = np.zeros((len(kept_rows(blobs)), 14), np.float32)
    logits[7, 2] = value
    write_logits(folder, "distilled", 3, logits)
    with pytest.raises(AnswerError, match=rf"distilled-seed3\.npz gave no number for {blobs.labels[2]}:"):
        read_held_out(folder, ["distilled"], blobs.labels, (3,))


def test_a_label_that_was_never_taught_is_a_column_of_nan(folder, blobs):
    logits = np.zeros((len(kept_rows(blobs)), 14), np.float32)
    logits[:, 2] = np.nan
    write_logits(folder, "distilled", 3, logits)
    assert np.isnan(read_held_out(folder, ["distilled"], blobs.labels, (3,)).test["distilled"].logits[:, :, 2]).all()


def test_other_labels_and_damage_are_refused(folder, blobs):
    with pytest.raises(RunError, match="Fracture"):
        read_held_out(folder, ["distilled"], (*blobs.labels[:-1], "Fracture"), (2,))
    (folder / "predictions" / "distilled-seed2.npz").write_bytes(b"PK nothing")
    with pytest.raises(RunError, match="damaged"):
        read_held_out(folder, ["distilled"], blobs.labels, (2, 3))
