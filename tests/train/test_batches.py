import cv2
import numpy as np
import pytest
import torch

from cxrkd.train.batches import Batches, resized, to_unit
from cxrkd.train.schedule import Schedule

SCHEDULE = Schedule((16, 32), steps_per_epoch=6, batch_size=12)


@pytest.fixture
def batches(blobs):
    logits_t = np.arange(len(blobs) * 3, dtype=np.float32).reshape(-1, 3)
    return Batches(blobs, SCHEDULE, seed=0, augment=True, teacher_logits=logits_t)


def test_an_epoch_shows_every_training_image_once_and_no_other(batches, blobs):
    seen = np.concatenate([batches.rows(step) for step in range(6)])
    assert sorted(seen) == list(blobs.rows("train"))


def test_orders_differ_between_epochs_and_seeds_and_repeat_for_the_same(batches, blobs):
    other = Batches(blobs, SCHEDULE, seed=1, augment=True)
    again = Batches(blobs, SCHEDULE, seed=0, augment=True)
    assert not np.array_equal(batches.rows(0), batches.rows(6))
    assert not np.array_equal(batches.rows(0), other.rows(0))
    assert np.array_equal(batches.rows(7), again.rows(7))
    assert torch.equal(batches.at(7).images, again.at(7).images)


def test_targets_and_teacher_belong_to_the_images(batches, blobs):
    rows, batch = batches.rows(8), batches.at(8)
    assert np.array_equal(batch.targets.numpy(), blobs.targets[rows])
    assert np.array_equal(batch.logits_t.numpy()[:, 0], 3 * rows)


def test_sizes_follow_the_schedule_and_pixels_are_untouched_without_augmentation(blobs):
    plain = Batches(blobs, SCHEDULE, seed=0, augment=False)
    assert plain.at(0).images.shape == (12, 1, 16, 16)
    assert plain.at(0).logits_t is None
    expected = blobs.images[plain.rows(6)] / 255.0
    assert np.allclose(plain.at(6).images.numpy()[:, 0], expected, atol=1e-6)


def test_shrinking_averages_and_keeps_the_type():
    board = np.indices((64, 64)).sum(0) % 2 * 255  # picking pixels would give black or white
    small = resized(board[None].astype(np.uint8), 32)
    assert small.dtype == np.uint8
    assert np.abs(small.astype(int) - 127.5).max() <= 0.5
    smooth = np.random.default_rng(0).random((2, 48, 48), np.float32)
    assert np.array_equal(resized(smooth, 20)[1], cv2.resize(smooth[1], (20, 20), interpolation=cv2.INTER_AREA))
    assert resized(smooth, 48) is smooth


def test_unit_range():
    assert to_unit(np.array([[[0, 255]]], np.uint8)).tolist() == [[[[0.0, 1.0]]]]
    assert to_unit(np.array([[[0.25, 0.5]]])).tolist() == [[[[0.25, 0.5]]]]
