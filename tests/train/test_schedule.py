from itertools import pairwise

import pytest

from cxrkd.config import TrainConfig
from cxrkd.train.schedule import Schedule, plan


def test_small_epochs_come_first_and_every_step_knows_its_size():
    schedule = plan(TrainConfig(epochs=2, warm_epochs=3, warm_size=64, batch_size=10), 35, 128)
    assert schedule == Schedule((64, 64, 64, 128, 128), 3, 10)  # 64, 76 and 91 px, rounded down to multiples of 32
    assert schedule.steps == 15
    assert [schedule.size_of(step) for step in (0, 8, 9, 14)] == [64, 64, 128, 128]
    assert [schedule.epoch_of(step) for step in (0, 2, 3, 14)] == [0, 0, 1, 4]


def test_fewer_images_than_a_batch_still_make_one_step():
    assert plan(TrainConfig(batch_size=32), 5, 64).batch_size == 5
    assert plan(TrainConfig(batch_size=32), 5, 64).steps_per_epoch == 1


def test_the_smaller_size_never_exceeds_the_full_one_and_can_be_refused():
    train = TrainConfig(epochs=1, warm_epochs=2, warm_size=128)
    assert plan(train, 64, 96).sizes == (96, 96, 96)
    assert plan(train, 64, 224, warm=False).sizes == (224, 224, 224)


def test_fraction_counts_pixels_not_steps():
    schedule = Schedule((64, 128), steps_per_epoch=10, batch_size=4)
    assert [schedule.fraction(step) for step in (0, 10, 20)] == pytest.approx([0, 1 / 5, 1])
    assert schedule.fraction(5) == pytest.approx(0.1)
    assert schedule.fraction(15) == pytest.approx(0.6)
    assert schedule.fraction(99) == 1


def test_warm_epochs_climb_without_a_jump_and_end_below_the_full_size():
    sizes = plan(TrainConfig(epochs=1, warm_epochs=8, warm_size=64), 640, 224).sizes
    assert sizes == (64, 64, 64, 96, 96, 128, 128, 160, 224)
    assert all(after / before <= 1.5 for before, after in pairwise(sizes))
