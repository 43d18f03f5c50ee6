from dataclasses import replace

import numpy as np
import pytest
import torch

from cxrkd.train import teacher_cache
from cxrkd.train.predict import predict_logits
from cxrkd.train.teacher_cache import teacher_logits


@pytest.fixture
def asked(monkeypatch):
    """Counts how often the network is really run over the cohort."""
    calls = []

    def counting(model, images, **options):
        calls.append(len(images))
        return predict_logits(model, images, **options)

    monkeypatch.setattr(teacher_cache, "predict_logits", counting)
    return calls


def test_the_second_time_the_network_is_not_run(toy, blobs, tmp_path, asked):
    first = teacher_logits(toy, blobs, tmp_path)
    assert np.array_equal(teacher_logits(toy, blobs, tmp_path), first)
    assert np.allclose(first, predict_logits(toy, blobs.images))
    assert asked == [len(blobs)]


def test_other_weights_or_other_data_are_asked_again(toy, blobs, tmp_path, asked):
    teacher_logits(toy, blobs, tmp_path)
    teacher_logits(toy, replace(blobs, fingerprint="other"), tmp_path)
    with torch.no_grad():
        next(toy.parameters()).add_(1e-3)
    teacher_logits(toy, blobs, tmp_path)
    assert len(asked) == 3
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"not numpy", None])
def test_a_damaged_file_is_made_again(toy, blobs, tmp_path, asked, damage):
    good = teacher_logits(toy, blobs, tmp_path)
    (path,) = tmp_path.iterdir()
    if damage is None:
        np.save(path, good[:-1])
    else:
        path.write_bytes(damage)
    assert np.array_equal(teacher_logits(toy, blobs, tmp_path), good)
    assert len(asked) == 2


def test_a_write_that_fails_leaves_nothing_behind(toy, blobs, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        teacher_logits(toy, blobs, tmp_path)
    assert list(tmp_path.iterdir()) == []
