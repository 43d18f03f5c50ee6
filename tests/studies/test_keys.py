"""Which runs are the same, which teachers and which students alone can be shared."""

import pytest

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.studies.keys import asked_key, cell_key, control_key, teacher_key
from tests import toys


def config(**changes):
    return toys.tiny_config(**changes)


def named(name, **settings):
    return {"objective": ObjectiveConfig.named(name, **settings)}


LONGER = TrainConfig(epochs=2, warm_epochs=0, batch_size=16)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"download": True}, {"control": False}])
def test_a_name_and_a_control_do_not_make_another_cell(changes):
    assert cell_key(config(**changes)) == cell_key(config())


@pytest.mark.parametrize(
    "changes",
    [
        named("bkd"),
        named("paper", temperature=3),
        {"patients": 21},
        {"seeds": (1,)},
        {"student_train": LONGER},
        {"teacher_train": LONGER},
        {"teacher_arch": "other"},
        {"student_weights": "imagenet"},
    ],
)
def test_whatever_is_learned_from_makes_another_cell(changes):
    assert cell_key(config(**changes)) != cell_key(config())
    assert asked_key(config(**changes)) != asked_key(config())


def test_a_borrowed_teacher_is_the_one_that_its_lender_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    toys.everywhere(monkeypatch, tmp_path / "site")
    lender = toys.finished_run(config(name="lender", **named("paper")))
    second = toys.finished_run(config(name="second", teacher_from=lender.id, **named("bkd")))
    other = config(teacher_train=LONGER)
    for borrowed in (lender.id, second.id):
        assert teacher_key(config(teacher_from=borrowed)) == teacher_key(config())
        assert cell_key(config(teacher_from=borrowed)) == cell_key(config())
        assert teacher_key(config(teacher_from=borrowed)) != teacher_key(other)
    assert teacher_key(config(teacher_from="gone")) not in (teacher_key(config()), teacher_key(other))


@pytest.mark.parametrize("changes", [{"patients": 21}, {"seeds": (1, 0)}, {"teacher_weights": "imagenet"}])
def test_another_teacher_is_no_teacher_to_share(changes):
    assert teacher_key(config(**changes)) != teacher_key(config())


def test_a_teacher_does_not_hang_on_what_its_students_learn_by():
    assert teacher_key(config(**named("bkd"), student_train=LONGER, seeds=(0, 1))) == teacher_key(config())


def test_students_alone_are_alike_where_objectives_learn_the_same_from_labels():
    bkd = control_key(config(**named("bkd")))
    assert control_key(config(**named("bkd", temperature=4, alpha=0.2), teacher_arch="other")) == bkd
    assert control_key(config(**named("bkd", also=[{"name": "cam"}], view="same"))) == bkd
    assert control_key(config(**named("cam", view="same"))) == bkd  # plain cross-entropy, as bkd
    assert control_key(config(**named("paper"))) != bkd
    assert control_key(config(**named("paper", gamma=1))) != control_key(config(**named("paper")))


@pytest.mark.parametrize(
    "changes", [{"patients": 21}, {"seeds": (1,)}, {"student_train": LONGER}, {"student_arch": "x"}]
)
def test_other_students_alone_are_not_alike(changes):
    assert control_key(config(**named("bkd"), **changes)) != control_key(config(**named("bkd")))


def test_settings_that_nobody_looks_at_make_no_other_student_alone():
    assert control_key(config(**named("bkd", gamma=1))) == control_key(config(**named("bkd")))
    assert control_key(config(**named("bkd", balance="focal"))) == control_key(config(**named("paper")))
    asymmetric = control_key(config(**named("bkd", balance="asymmetric")))
    assert control_key(config(**named("bkd", balance="asymmetric", clip=0.1))) != asymmetric
    assert control_key(config(**named("paper", balance="asymmetric", gamma=1))) == asymmetric
