"""The films of a preview are those that a training sees, and no others are read."""

from dataclasses import replace

import numpy as np
import pytest

from cxrkd.config import TrainConfig
from cxrkd.data.pixels import InMemory
from cxrkd.images.resizing import resized
from cxrkd.train.batches import Batches
from cxrkd.train.preview import preview, some_rows
from cxrkd.train.schedule import plan

PLAIN = TrainConfig(epochs=1, warm_epochs=2)


class OneByOne:
    """Pixels that give a film when it is asked for, and never all."""

    def __init__(self, cohort):
        self.array, self.size, self.asked = cohort.images, cohort.size, []

    def __len__(self):
        return len(self.array)

    def tones(self, row, size):
        self.asked.append(row)
        return self.array[row]

    def images(self, progress=None):
        raise AssertionError("every film was asked for")


def test_only_the_films_that_are_shown_are_read(blobs):
    pixels = OneByOne(blobs)
    views = preview(replace(blobs, pixels=pixels), np.array([3, 8, 70]), PLAIN, blobs.size)
    assert pixels.asked == [3, 8, 70]
    np.testing.assert_allclose(views, blobs.images[[3, 8, 70]] / 255, atol=1e-6)


def test_students_that_look_at_less_are_shown_less(blobs):
    rows = np.array([0, 5])
    views = preview(blobs, rows, PLAIN, blobs.size // 2)
    np.testing.assert_allclose(views, resized(blobs.images[rows] / np.float32(255), blobs.size // 2), atol=1e-6)


@pytest.mark.parametrize("changes", [{"augment": True}, {"degrade": True}, {"augment": True, "degrade": True}])
def test_a_changed_view_is_that_of_a_training(blobs, changes):
    """The first films of a cohort are in the same rows of the few: their views are a training's, to the last bit."""
    train = PLAIN.model_copy(update=changes | {"batch_size": 6, "mixup": 0.0})
    rows = np.arange(6)
    few = replace(
        blobs,
        **{name: getattr(blobs, name)[rows] for name in ("targets", "patients", "ids", "views", "split")},
        pixels=InMemory(blobs.images[rows], "few"),
    )
    seen = Batches(few, plan(train, 6, blobs.size, warm=False), 0, train, look=4).at(0).full[:, 0].numpy()
    views = preview(blobs, rows, train.model_copy(update={"mixup": 0.4}), blobs.size, look=4)
    np.testing.assert_array_equal(views, seen)
    assert np.abs(views - blobs.images[rows] / 255).max() > 0.05
    assert not np.array_equal(views, preview(blobs, rows, train, blobs.size, look=5))


def test_films_are_drawn_from_training_alone(blobs):
    rows = some_rows(blobs, 8)
    assert len(set(rows)) == 8
    assert (np.diff(rows) > 0).all()
    assert set(blobs.split[rows]) == {"train"}
    assert not np.array_equal(rows, some_rows(blobs, 8, seed=1))
    assert len(some_rows(blobs, 10**6)) == (blobs.split == "train").sum()
