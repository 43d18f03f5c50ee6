"""A teacher that learns along, in a training: its own rate and its own clipping, one process or several."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from cxrkd.config import ObjectiveConfig, RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.distill.loss import control, objective
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.weights import save_weights
from cxrkd.models.zoo import build
from cxrkd.train.apart import fit_apart
from cxrkd.train.batches import Batches
from cxrkd.train.beginning import begun_teacher
from cxrkd.train.fit import fit
from cxrkd.train.module import Training
from cxrkd.train.schedule import plan
from cxrkd.train.task import OWNED, Task
from tests import toys
from tests.train.killed import KilledError, kill_after

PACE = TrainConfig(epochs=5, warm_epochs=0, batch_size=12, learning_rate=0.02)
DATA = PhantomConfig(n_patients=20, image_size=32)


def trained(student, teacher, cohort, folder, on_event=lambda event: None, train=PACE, **settings):
    loss = objective(ObjectiveConfig.named("joint", **settings), student, teacher)
    fit(student, cohort, train, loss, teacher=teacher, seed=0, work_dir=folder, on_event=on_event)
    return student, loss


def training(student, teacher, cohort, **settings):
    loss = objective(ObjectiveConfig.named("joint", **settings), student, teacher)
    schedule = plan(PACE, len(cohort.rows("train")), 32)
    return Training(student, cohort, Batches(cohort, schedule, 0, PACE), loss, PACE, schedule)


def test_each_network_has_a_rate_of_its_own_all_the_way(fresh_toy, blobs):
    """A quarter of the student's at every step of the one cycle; what is decayed is alike."""
    both = training(fresh_toy(), fresh_toy(seed=1), blobs, teacher_rate=0.25)
    made = both.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    sizes = [len(group["params"]) for group in optimizer.param_groups]
    assert sizes == [2, 4, 2, 4], "weights, then biases and norms, of the student and of the teacher"
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0, 0.01, 0.0]
    owned = {p for group in optimizer.param_groups[2:] for p in group["params"]}
    assert owned == set(both.loss.learners[0].teacher.parameters())
    peaks = [0.0] * 4
    for _ in range(both.schedule.steps):
        rates = [group["lr"] for group in optimizer.param_groups]
        np.testing.assert_allclose(rates[2:], 0.25 * np.array(rates[:2]))
        peaks = np.maximum(peaks, rates)
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(peaks, [0.02, 0.02, 0.005, 0.005], rtol=0.1)


def test_a_teacher_that_takes_long_steps_shortens_none_of_the_students(fresh_toy, blobs):
    both = training(fresh_toy(), fresh_toy(seed=1), blobs)
    for parameter in both.model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-4)
    for parameter in both.loss.parameters():
        parameter.grad = torch.full_like(parameter, 1e4)
    both.configure_gradient_clipping(both.configure_optimizers()["optimizer"])
    assert all((parameter.grad == 1e-4).all() for parameter in both.model.parameters())
    norm = torch.cat([parameter.grad.flatten() for parameter in both.loss.parameters()]).norm()
    assert norm.item() == pytest.approx(1.0, rel=1e-3)


def test_it_learns_what_it_teaches_and_the_run_s_own_teacher_is_not_asked(fresh_toy, blobs, tmp_path):
    """From a random start, labels weighing nothing for the student: all that it knows came through the teacher."""
    told, given = [], fresh_toy(seed=1).eval()
    given.forward = None  # whoever asks it fails
    twin = fresh_toy(seed=1)
    loss = objective(ObjectiveConfig.named("joint", alpha=0.0, teacher_rate=1.0), student := fresh_toy(), twin)
    fit(student, blobs, PACE, loss, teacher=given, seed=0, work_dir=tmp_path, on_event=told.append)
    epochs = [event for event in told if event["kind"] == "epoch"]
    own = [event["parts"]["joint.teacher"] for event in epochs]
    assert own[-1] < 0.5 * own[0]
    assert epochs[-1]["val_auroc"] > 0.95
    for event in epochs:
        assert event["loss"] == pytest.approx(event["distill"] + event["parts"]["joint.teacher"])
        assert event["distill"] == pytest.approx(event["parts"]["joint.answers"])


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_it_is_resumed_bit_for_bit(fresh_toy, blobs, tmp_path, precision):
    train = PACE.model_copy(update={"epochs": 3, "augment": True, "precision": precision})
    whole = trained(fresh_toy(), fresh_toy(seed=1), blobs, tmp_path / "whole", train=train)
    with pytest.raises(KilledError):
        trained(fresh_toy(), fresh_toy(seed=1), blobs, tmp_path / "cut", kill_after(1), train)
    again = trained(fresh_toy(), fresh_toy(seed=1), blobs, tmp_path / "cut", train=train)
    for one, other in zip(whole, again, strict=True):
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
    moved = whole[1].learners[0].teacher.state_dict()
    assert {t.dtype for t in moved.values()} == {torch.float32, torch.int64}
    assert not any(torch.equal(moved[name], tensor) for name, tensor in fresh_toy(seed=1).state_dict().items())


def test_with_labels_alone_the_student_is_its_control(fresh_toy, blobs, tmp_path):
    """Bit for bit: neither its dropout nor its clipping notices that somebody learns beside it."""
    student, _ = trained(fresh_toy(), fresh_toy(seed=1), blobs, tmp_path / "joint", alpha=1.0)
    alone = fresh_toy()
    loss = control(ObjectiveConfig.named("joint"))
    fit(alone, blobs, PACE, loss, seed=0, work_dir=tmp_path / "alone", on_event=lambda event: None)
    assert all(torch.equal(tensor, alone.state_dict()[name]) for name, tensor in student.state_dict().items())


def test_it_goes_along_with_another_which_asks_the_runs_own_teacher(fresh_toy, blobs, tmp_path):
    told, teacher, student = [], fresh_toy(seed=1).eval(), fresh_toy()
    config = ObjectiveConfig.named("bkd", view="same", also=[{"name": "joint", "weight": 0.5}])
    loss = objective(config, student, fresh_toy(seed=2))
    fit(student, blobs, PACE, loss, teacher=teacher, seed=0, work_dir=tmp_path, on_event=told.append)
    epochs = [event for event in told if event["kind"] == "epoch"]
    for event in epochs:
        parts = event["parts"]
        assert list(parts) == ["task", "bkd", "joint.answers", "joint.teacher"]
        assert min(parts.values()) > 0
        assert event["distill"] == pytest.approx(parts["bkd"] + 0.5 * parts["joint.answers"])


def test_without_a_label_nobody_learns(fresh_toy, blobs, tmp_path):
    unlabelled = dataclasses.replace(blobs, targets=np.full_like(blobs.targets, np.nan))
    with pytest.raises(DataError, match="none of the 72 training images has a known label"):
        trained(fresh_toy(), fresh_toy(seed=1), unlabelled, tmp_path)


@pytest.mark.slow
def test_two_processes_train_both_networks_as_one_does(monkeypatch, tmp_path):
    """Without norms and dropout nothing but the order of sums differs."""
    toys.everywhere(monkeypatch, tmp_path / "site")
    train = TrainConfig(epochs=2, warm_epochs=0, batch_size=8, learning_rate=0.02)
    shape = {"teacher_arch": "plain_toy", "student_arch": "plain_toy", "student_train": train}
    config = RunConfig(name="x", data=DATA, objective=ObjectiveConfig.named("joint", teacher_rate=0.5), **shape)
    cohort = load_cohort(DATA)
    save_weights(begun_teacher(config, cohort), tmp_path / "teacher.safetensors")

    def start():
        torch.manual_seed(5)
        return build("plain_toy", CHESTXRAY14, 32)

    about = {"arch": "plain_toy", "labels": CHESTXRAY14, "input_size": 32, "seed": 3, "devices": 2}
    task = Task(config=config, member="distilled", teacher=tmp_path / "teacher.safetensors", **about)
    alone, together, events = start(), start(), []
    begun = task.learned_from(None, cohort)
    loss = task.loss(alone, begun)
    how = {"seed": 3, "look": task.look, "work_dir": tmp_path / "alone", "on_event": lambda event: None}
    fit(alone, cohort, train, loss, teacher=begun, **how)
    fit_apart(together, task, tmp_path / "apart", events.append)
    owned = load_file(tmp_path / "apart" / OWNED)
    for name, tensor in loss.state_dict().items():
        assert not torch.allclose(begun.state_dict()[name.split("teacher.", 1)[1]], tensor, rtol=0, atol=1e-4), name
        torch.testing.assert_close(owned[name], tensor, rtol=1e-4, atol=1e-5)
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(together.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    assert all("joint.teacher" in event["parts"] for event in events if event["kind"] == "epoch")
