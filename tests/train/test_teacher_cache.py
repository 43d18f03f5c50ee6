from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from cxrkd.checksums import seal
from cxrkd.data.pixels import InMemory
from cxrkd.errors import AnswerError
from cxrkd.train import shares, teacher_cache
from cxrkd.train.predict import predict_logits
from cxrkd.train.teacher_cache import teacher_logits


@pytest.fixture
def asked(monkeypatch):
    """Counts how often the network is really run over the cohort."""
    calls = []

    def counting(model, images, **options):
        calls.append(len(images))
        return predict_logits(model, images, **options)

    monkeypatch.setattr(shares, "predict_logits", counting)
    return calls


def test_the_second_time_the_network_is_not_run(toy, blobs, tmp_path, asked):
    first = teacher_logits(toy, blobs, tmp_path)
    assert np.array_equal(teacher_logits(toy, blobs, tmp_path), first)
    assert np.allclose(first, predict_logits(toy, blobs.images))
    assert asked == [len(blobs)]


def test_other_weights_or_other_data_are_asked_again(toy, blobs, tmp_path, asked):
    teacher_logits(toy, blobs, tmp_path)
    teacher_logits(toy, replace(blobs, pixels=InMemory(blobs.images, "other")), tmp_path)
    with torch.no_grad():
        next(toy.parameters()).add_(1e-3)
    teacher_logits(toy, blobs, tmp_path)
    assert len(asked) == 3
    assert len(list(tmp_path.iterdir())) == 3


DAMAGE = {
    "empty": lambda content: b"",
    "foreign": lambda content: b"no tensors",
    "cut": lambda content: content[:-1],
    "a bit": lambda content: content[:-40] + bytes([content[-40] ^ 1]) + content[-39:],
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_file_is_made_again(toy, blobs, tmp_path, asked, damage):
    good = teacher_logits(toy, blobs, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert np.array_equal(teacher_logits(toy, blobs, tmp_path), good)
    assert len(asked) == 2


@pytest.mark.parametrize("rows", [slice(None, -1), slice(None)])
def test_a_file_of_other_logits_or_without_a_checksum_is_made_again(toy, blobs, tmp_path, asked, rows):
    good = teacher_logits(toy, blobs, tmp_path)
    (path,) = tmp_path.iterdir()
    save_file({"logits": good[rows]}, path)
    if rows.stop is not None:
        seal(path)
    assert np.array_equal(teacher_logits(toy, blobs, tmp_path), good)
    assert len(asked) == 2


def test_answers_that_are_no_numbers_are_not_kept(fresh_toy, blobs, tmp_path):
    toy = fresh_toy()
    with torch.no_grad():
        next(toy.parameters()).view(-1)[0] = float("inf")
    with pytest.raises(AnswerError, match="gave no number"):
        teacher_logits(toy, blobs, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_nothing_behind(toy, blobs, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(teacher_cache, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        teacher_logits(toy, blobs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_some_rows_have_a_file_of_their_own(toy, blobs, tmp_path, asked):
    rows = blobs.rows("val")
    for _ in range(2):
        some = teacher_logits(toy, blobs, tmp_path, rows=rows)
    assert np.allclose(some, teacher_logits(toy, blobs, tmp_path)[rows], atol=1e-6)
    teacher_logits(toy, blobs, tmp_path, rows=blobs.rows("test"))
    assert asked == [len(rows), len(blobs), len(blobs.rows("test"))]


def test_several_devices_answer_a_share_each(toy, blobs, tmp_path, asked, monkeypatch):
    monkeypatch.setattr(teacher_cache, "devices", lambda: [torch.device("cpu")] * 3)
    told = []
    shared = teacher_logits(toy, blobs, tmp_path, lambda done, n: told.append((done, n)), np.arange(100))
    assert sorted(asked) == [33, 33, 34]
    np.testing.assert_allclose(shared, predict_logits(toy, blobs.images[:100]), atol=1e-5)
    assert told[-1] == (100, 100)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
