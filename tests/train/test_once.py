import numpy as np
import pytest
import torch

from cxrkd.config import TrainConfig
from cxrkd.train.asking import InTheLoop
from cxrkd.train.batches import Batches
from cxrkd.train.once import OncePerView, answers_key
from cxrkd.train.schedule import Schedule

SCHEDULE = Schedule((32, 32), steps_per_epoch=6, batch_size=12)
VIEWS = TrainConfig(augment=True, degrade=True)


@pytest.fixture
def teacher(fresh_toy, monkeypatch):
    monkeypatch.setattr("cxrkd.train.asking.multiplies_bfloat16", lambda where: False)
    return fresh_toy(seed=3).eval()


def once(teacher, blobs, folder, asked):
    def make():
        def loop(batch):
            asked.extend((batch.epoch, int(row)) for row in batch.rows)
            return InTheLoop(teacher)(batch)

        return loop

    return OncePerView(make, folder, "key", (len(blobs), 3))


def go_through(ask, blobs, seed, epochs=(0, 1)):
    """Row and epoch -> logits, of a training with that seed; answers are kept after each epoch."""
    batches, answers = Batches(blobs, SCHEDULE, seed, VIEWS, look=0), {}
    for epoch in epochs:
        for step in range(6 * epoch, 6 * epoch + 6):
            batch = batches.at(step)
            answers |= {(epoch, int(row)): z for row, z in zip(batch.rows, ask(batch).logits, strict=True)}
        ask.keep()
    return answers


def test_each_view_is_asked_about_once_and_every_training_gets_the_teachers_answer(teacher, blobs, tmp_path):
    asked = []
    first = go_through(once(teacher, blobs, tmp_path, asked), blobs, 0)
    second = go_through(once(teacher, blobs, tmp_path, asked), blobs, 1)
    assert len(asked) == len(set(asked)) == 2 * len(blobs.rows("train"))
    assert all(torch.equal(first[view], second[view]) for view in first)
    batch = Batches(blobs, SCHEDULE, 1, VIEWS, look=0).at(8)
    with torch.no_grad():
        direct = teacher(batch.full)
    torch.testing.assert_close(torch.stack([second[1, int(row)] for row in batch.rows]), direct, atol=1e-5, rtol=1e-5)


def test_an_epoch_that_was_not_finished_is_asked_again(teacher, blobs, tmp_path):
    asked = []
    killed = once(teacher, blobs, tmp_path, asked)
    killed(Batches(blobs, SCHEDULE, 0, VIEWS).at(0))
    go_through(once(teacher, blobs, tmp_path, asked), blobs, 0, epochs=(0,))
    assert len(asked) == 12 + len(blobs.rows("train"))


def test_a_damaged_file_is_asked_for_again(teacher, blobs, tmp_path):
    asked = []
    good = go_through(once(teacher, blobs, tmp_path, asked), blobs, 0, epochs=(0,))
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[-40] ^= 1
    file.write_bytes(bytes(data))
    again = go_through(once(teacher, blobs, tmp_path, asked), blobs, 0, epochs=(0,))
    assert len(asked) == 2 * len(blobs.rows("train"))
    assert all(torch.equal(good[view], again[view]) for view in good)


def test_a_label_that_the_teacher_was_never_taught_is_not_asked_for_again(teacher, blobs, tmp_path):
    asked, batch = [], Batches(blobs, SCHEDULE, 0, VIEWS).at(0)

    class Untaught:
        def __call__(self, batch):
            asked.append(len(batch.rows))
            logits = torch.zeros(len(batch.rows), 3)
            logits[:, 1] = torch.nan
            return InTheLoop(teacher)(batch).__class__(logits)

    ask = OncePerView(Untaught, tmp_path, "key", (len(blobs), 3))
    assert np.array_equal(ask(batch).logits.isnan().all(0), [False, True, False])
    ask(batch)
    assert asked == [12]


def test_the_key_hangs_on_weights_films_and_views(fresh_toy, blobs):
    keys = {
        answers_key(fresh_toy(seed=3), blobs, "a"),
        answers_key(fresh_toy(seed=4), blobs, "a"),
        answers_key(fresh_toy(seed=3), blobs, "b"),
    }
    assert len(keys) == 3
    assert answers_key(fresh_toy(seed=3), blobs, "a") in keys
