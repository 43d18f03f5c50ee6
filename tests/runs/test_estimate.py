"""Seconds of a run, by hand."""

import pytest

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.runs.estimate import Pace, stage_seconds

TEACHER, STUDENT = Pace(1.0, 0.25), Pace(0.125, 0.0625)


@pytest.mark.parametrize(
    ("view", "changed", "asked"),
    [("cached", {}, 0), ("same", {}, 6), ("same", {"augment": True}, 7), ("same", {"mixup": 0.1, "augment": True}, 7)],
)
def test_a_teacher_that_answers_views_is_paid_for_each_epoch_and_for_counting_its_norms(config, view, changed, asked):
    """Four epochs at full size and two that grow; the teacher answers at full size in all of them."""
    train = TrainConfig(epochs=4, warm_epochs=2, warm_size=32, **changed)
    told = config(student_train=train, objective=ObjectiveConfig.named("paper", view=view), seeds=(0,))
    seconds = stage_seconds(told, ["alone-0", "distilled-0"], (1000, 800), TEACHER, STUDENT)
    assert seconds["alone-0"] == pytest.approx(6 * 800 * 0.125)
    assert seconds["distilled-0"] - seconds["alone-0"] == pytest.approx(asked * 800 * 0.25)
    assert seconds["teacher-logits"] == pytest.approx((200 if view == "same" else 1000) * 0.25)


@pytest.mark.parametrize(("changes", "paid"), [({"augment": True}, (7, 0)), ({"mixup": 0.1}, (7, 7))])
def test_views_that_all_students_see_are_answered_once(config, changes, paid):
    """A mixture is of one training alone."""
    train = TrainConfig(epochs=4, warm_epochs=2, warm_size=32, **changes)
    told = config(student_train=train, objective=ObjectiveConfig.named("bkd", view="same"), seeds=(0, 1))
    seconds = stage_seconds(told, ["alone-0", "distilled-0", "alone-1", "distilled-1"], (1000, 800), TEACHER, STUDENT)
    for seed, passes in enumerate(paid):
        more = seconds[f"distilled-{seed}"] - seconds[f"alone-{seed}"]
        assert more == pytest.approx(passes * 800 * 0.25)
