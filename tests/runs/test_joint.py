"""A run whose teacher learns along: where that one begins, what is asked of the other, and what it costs."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.distill.loss import Loss
from cxrkd.errors import ConfigError
from cxrkd.jobs.execute import execute
from cxrkd.runs import create, stages
from cxrkd.runs.disk import disk
from cxrkd.runs.estimate import Pace, stage_seconds
from cxrkd.runs.speed import measure_speed
from cxrkd.train.beginning import begun_teacher, teacher_parts

JOINT = ObjectiveConfig.named("joint")
TEACHER, STUDENT = Pace(1.0, 0.25), Pace(0.125, 0.0625)
LEARNS = TrainConfig(epochs=5, warm_epochs=0, batch_size=24, learning_rate=0.02)


@pytest.fixture
def begins(monkeypatch):
    """Stage -> what its network, and the teacher that learns along, weigh before the first step."""
    states, fit = {}, stages.fit

    def spy(model, cohort, train, loss: Loss, **options):
        stage = options["work_dir"].name
        networks = {stage: model, **{f"beside {stage}": kept.teacher for kept in loss.learners}}
        states.update({name: {k: t.clone() for k, t in net.state_dict().items()} for name, net in networks.items()})
        return fit(model, cohort, train, loss, **options)

    monkeypatch.setattr(stages, "fit", spy)
    return states


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_it_begins_where_the_runs_own_teacher_began_with_every_student(config, blob_data, begins):
    run = create(config(objective=JOINT, seeds=(3, 5)))
    execute(run)
    assert same(begins["beside distilled-3"], begins["teacher"])
    assert same(begins["beside distilled-5"], begins["teacher"])
    assert same(begins["alone-3"], begins["distilled-3"])
    assert {name for name in begins if name.startswith("beside")} == {"beside distilled-3", "beside distilled-5"}
    owned = load_file(run.path / "models" / "objective.safetensors")
    assert {name.removeprefix("terms.joint.loss.teacher.") for name in owned} == begins["teacher"].keys()
    assert run.members() == ["teacher", "alone", "distilled"]
    told = [event for event in run.events() if event["kind"] == "epoch" and event["member"] == "distilled"]
    assert [set(event["parts"]) for event in told] == [{"task", "joint.answers", "joint.teacher"}] * 2


def test_the_runs_own_teacher_is_what_it_is_without(config, blob_data):
    """The pages compare with it, and other runs borrow it: joint training leaves it alone."""
    runs = [create(config(name, objective=ObjectiveConfig.named(name, view="same"))) for name in ("bkd", "joint")]
    for run in runs:
        execute(run)
    files = [load_file(run.weights_path("teacher")) for run in runs]
    assert same(*files)
    assert np.array_equal(*(run.predictions("alone").logits for run in runs))
    assert not np.array_equal(*(run.predictions("distilled").logits for run in runs))


def test_several_networks_learn_along_as_one(config, blob_data, begins):
    run = create(config(objective=JOINT, teacher_arch="toy+toy", control=False))
    execute(run)
    assert teacher_parts(run.config) == [("toy", 0), ("toy", 1)]
    beside = begins["beside distilled-0"]
    for index, stage in enumerate(("teacher-1", "teacher-2")):
        part = {name.removeprefix(f"backbone.parts.{index}."): tensor for name, tensor in beside.items()}
        assert all(torch.equal(part[name], tensor) for name, tensor in begins[stage].items())


def test_under_a_borrowed_teacher_it_learns_the_labels_of_this_run(config, blobs, blob_data, monkeypatch, begins):
    """Those that the borrowed one was never taught as well: it begins anew, with a random head of its own."""
    source = create(config("Source", teacher_train=LEARNS))
    execute(source)
    other = dataclasses.replace(blobs, labels=("Something else", *blobs.labels[1:]))
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: other)
    run = create(config("Borrower", teacher_from=source.id, objective=JOINT, control=False, student_train=LEARNS))
    execute(run)
    assert np.isnan(run.predictions("teacher").logits[..., 0]).all()
    assert all(torch.isfinite(tensor).all() for tensor in begins["beside distilled-0"].values())
    told = [event["parts"] for event in run.events() if event["kind"] == "epoch" and event["member"] == "distilled"]
    assert told[-1]["joint.teacher"] < told[0]["joint.teacher"]


def test_what_a_borrowed_teacher_began_with_has_to_be_here(config, blob_data, monkeypatch):
    monkeypatch.setattr("cxrkd.runs.refusing.with_teacher", lambda config: config)
    lent = {"teacher_from": "some", "teacher_arch": "resnet18", "teacher_weights": "imagenet"}
    with pytest.raises(ConfigError, match=r"imagenet.*download"):
        create(config(objective=JOINT, **lent))
    create(config("Usual", objective=ObjectiveConfig.named("bkd"), **lent))


def test_making_it_again_leaves_the_random_numbers_of_a_training_alone(config, blobs):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = begun_teacher(config(), blobs)
    assert torch.equal(torch.rand(3), expected)
    assert same(first.state_dict(), begun_teacher(config(), blobs).state_dict())
    assert not same(first.state_dict(), begun_teacher(config(seeds=(1,)), blobs).state_dict())


@pytest.mark.parametrize(("also", "asked"), [((), 0.0), (("cam",), 6 * 800 * 0.25)])
def test_its_steps_are_counted_with_each_student_and_the_other_one_only_where_it_is_asked(config, also, asked):
    """Four epochs at full size and two that grow; whoever learns along sees all six at full size."""
    train = TrainConfig(epochs=4, warm_epochs=2, warm_size=32)
    objective = ObjectiveConfig.named("joint", also=[{"name": name} for name in also])
    told = config(student_train=train, objective=objective, seeds=(0, 1))
    seconds = stage_seconds(told, ["alone-0", "distilled-0", "alone-1", "distilled-1"], (1000, 800), TEACHER, STUDENT)
    assert seconds["alone-0"] == seconds["alone-1"] == pytest.approx(6 * 800 * 0.125)
    for stage in ("distilled-0", "distilled-1"):
        assert seconds[stage] == pytest.approx(6 * 800 * (0.125 + 1.0) + asked)
    assert seconds["teacher-logits"] == pytest.approx(200 * 0.25)


def test_its_checkpoints_are_counted(config):
    usual, joint = (disk(config(objective=ObjectiveConfig.named(n)), 10, 3, 1000, 300) for n in ("bkd", "joint"))
    assert (usual.checkpoints, joint.checkpoints) == (12 * 1000, 12 * 1300)
    assert joint.kept - usual.kept == 4 * 1000


def test_a_student_is_timed_without_it(monkeypatch):
    """Its steps are those of the teacher, which are timed by themselves."""
    monkeypatch.setattr("cxrkd.runs.speed.objective", None)  # whoever makes the whole loss fails
    speed = measure_speed("toy", ("A", "B"), 32, TrainConfig(batch_size=4), JOINT, "toy")
    assert speed.train_images_s > 0
