import numpy as np
import pytest

from cxrkd.errors import RunError
from cxrkd.runs.predictions import kept_rows, read_predictions, write_cases, write_logits


@pytest.fixture
def folder(tmp_path, blobs):
    rows = kept_rows(blobs)
    write_cases(tmp_path, blobs)
    for seed in (10, 2):
        write_logits(tmp_path, "distilled", seed, np.full((len(rows), 14), seed, np.float32) + rows[:, None])
    return tmp_path


@pytest.mark.parametrize("split", ["val", "test"])
def test_rows_keep_their_case(folder, blobs, split):
    rows = blobs.rows(split)
    found = read_predictions(folder, "distilled", split, blobs.labels, (5, 10, 2))
    assert found.seeds == (10, 2)
    assert np.array_equal(found.logits[:, :, 3], np.stack([rows + 10, rows + 2]))
    assert np.array_equal(found.targets, blobs.targets[rows], equal_nan=True)
    assert found.ids.tolist() == blobs.ids[rows].tolist()  # "00097" must not become 97
    assert found.patients.tolist() == blobs.patients[rows].tolist()
    assert found.views.tolist() == blobs.views[rows].tolist()


def test_a_member_without_predictions_is_said(folder, blobs):
    with pytest.raises(RunError, match="alone"):
        read_predictions(folder, "alone", "test", blobs.labels, (2, 10))


def test_files_that_do_not_line_up_are_refused(folder, blobs):
    write_logits(folder, "distilled", 3, np.zeros((5, 14), np.float32))
    with pytest.raises(RunError, match="shape"):
        read_predictions(folder, "distilled", "test", blobs.labels, (2, 3))


def test_other_labels_and_damage_are_refused(folder, blobs):
    with pytest.raises(RunError, match="Fracture"):
        read_predictions(folder, "distilled", "test", (*blobs.labels[:-1], "Fracture"), (2,))
    (folder / "predictions" / "distilled-seed2.npz").write_bytes(b"PK nothing")
    with pytest.raises(RunError, match="damaged"):
        read_predictions(folder, "distilled", "test", blobs.labels, (2, 3))
