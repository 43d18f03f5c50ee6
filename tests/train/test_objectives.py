"""A training under an objective: what it costs, what it owns, what it tells. With a toy that has all there can be."""

import copy
from typing import Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from cxrkd.config import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm, RunConfig, TrainConfig
from cxrkd.distill.loss import StatefulObjective, control, objective
from cxrkd.models import views as looking
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views, views
from cxrkd.train.asking import InTheLoop
from cxrkd.train.batches import Batch
from cxrkd.train.fit import CHECKPOINT, fit
from tests.toys import make_staged
from tests.train.killed import KilledError, kill_after

PACE = TrainConfig(epochs=2, warm_epochs=1, warm_size=32, batch_size=12, learning_rate=0.02, augment=True)


class AllTerm(ObjectiveTerm):
    name: Literal["all"] = Field("all", title="Objective")
    power: float = Field(2.0, gt=0, title="Power")


class AllConfig(AllTerm, ObjectiveConfig):
    """And from the labels."""


class All(StatefulObjective):
    """Features of a stage through a projection, maps, embeddings, and an average of the student's checkpoints."""

    def __init__(self, term, student, teacher):
        super().__init__()
        self.term = term
        self.projection = nn.Conv2d(student.stages[-1].channels, teacher.stages[-1].channels, 1)
        self.average = copy.deepcopy(student).requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, student, teacher, targets):
        near = (self.projection(student.stages[-1]) - teacher.stages[-1]).abs().pow(self.term.power).mean()
        old = self.average.eval()(student.images)
        return {
            "features": near,
            "maps": F.mse_loss(student.maps, teacher.maps),
            "pooled": F.mse_loss(student.embeddings.mean(1), teacher.embeddings.mean(1)),
            "past": F.mse_loss(student.logits, old),
        }

    def after_step(self, student):
        self.steps += 1
        for mine, theirs in zip(self.average.state_dict().values(), student.state_dict().values(), strict=True):
            mine.copy_(theirs if not mine.is_floating_point() else 0.8 * mine + 0.2 * theirs)


ALL = Objective(
    name="all",
    title="All",
    sentence="Everything that an objective can look at and own.",
    needs=("maps", "embeddings", "stages"),
    term=AllTerm,
    config=AllConfig,
    build=All,
)
ONE_BY_ONE = ["task", "all.features", "all.maps", "all.pooled", "all.past"]


@pytest.fixture
def known():
    with OBJECTIVES.adding(ALL):
        yield


def train_under(config, cohort, folder, on_event=lambda event: None, train=PACE, widths=(6, 8)):
    student, teacher = make_staged(), make_staged(3, widths).eval()
    torch.manual_seed(7)
    loss = objective(config, student, teacher)
    fit(student, cohort, train, loss, teacher=teacher, seed=0, work_dir=folder, on_event=on_event)
    return student, loss


def test_it_stands_in_the_config_as_any_other(known):
    assert "all" in OBJECTIVES
    values = {"name": "x", "objective": {"name": "all", "power": 1.5, "view": "same"}}
    config = RunConfig.model_validate(values)
    assert isinstance(config.objective, AllConfig)
    assert RunConfig.recorded(config.model_dump(mode="json")) == config
    with pytest.raises(
        ValueError,
        match="cached answers hold logits, not the embeddings and label maps and feature maps needed by all",
    ):
        RunConfig(name="x", objective={"name": "all"})
    beside = RunConfig(name="x", objective={"name": "bkd", "view": "same", "also": [{"name": "all", "weight": 0.1}]})
    assert beside.objective.also == (AllTerm(weight=0.1),)
    assert RunConfig.recorded(beside.model_dump(mode="json")) == beside


def test_its_parts_are_told_one_by_one(known, blobs, tmp_path):
    events = []
    config = ObjectiveConfig.named("bkd", view="same", also=[{"name": "all", "weight": 0.1, "warm_up": 1.0}])
    train_under(config, blobs, tmp_path, events.append)
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert [list(event["parts"]) for event in epochs] == [["task", "bkd", *ONE_BY_ONE[1:]]] * 3
    assert all(np.isfinite(list(event["parts"].values())).all() for event in epochs)
    assert all(event["parts"]["task"] == pytest.approx(event["task"]) for event in epochs)
    hints = [sum(event["parts"][name] for name in ONE_BY_ONE[1:]) for event in epochs]
    shares = [event["distill"] - event["parts"]["bkd"] for event in epochs]
    assert shares[0] / hints[0] < shares[1] / hints[1] < shares[2] / hints[2] < 0.1, "it grows to its weight"


def test_what_it_owns_is_resumed_with_the_training(known, blobs, tmp_path):
    """A projection that is learned, its moments, an average of checkpoints and a count, bit for bit."""
    config = ObjectiveConfig.named("all", view="same")
    student, loss = train_under(config, blobs, tmp_path / "whole")
    with pytest.raises(KilledError):
        train_under(config, blobs, tmp_path / "cut", kill_after(1))
    resumed, again = train_under(config, blobs, tmp_path / "cut")
    for whole, part in ((student, resumed), (loss, again)):
        for name, tensor in whole.state_dict().items():
            assert torch.equal(tensor, part.state_dict()[name]), name
    assert int(loss.terms["all"].loss.steps) == 18
    torch.manual_seed(7)
    fresh = objective(config, make_staged(), make_staged(seed=3))
    assert not torch.equal(loss.terms["all"].loss.projection.weight, fresh.terms["all"].loss.projection.weight)
    saved = torch.load(tmp_path / "whole" / CHECKPOINT, weights_only=True)["state_dict"]
    assert {name.split(".")[0] for name in saved} == {"model", "loss"}
    assert "loss.terms.all.loss.projection.weight" in saved


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in ("self", "joint")])
def test_every_objective_is_learned(name, blobs, tmp_path):
    """Labels weigh nothing: what falls is what is taken from a teacher of other widths and depth.

    Teachers of those that have their own move away meanwhile: see their own tests.
    """
    events = []
    train = PACE.model_copy(update={"epochs": 4, "augment": False})
    config = ObjectiveConfig.named(name, alpha=0.0, view="same")
    train_under(config, blobs, tmp_path, events.append, train, widths=(5, 10, 12))
    distances = [event["distill"] for event in events if event["kind"] == "epoch"]
    assert distances[-1] < 0.8 * distances[0]


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_every_objective_goes_on_bit_for_bit(name, blobs, tmp_path):
    config = ObjectiveConfig.named(name, view="same")
    short = PACE.model_copy(update={"epochs": 1})
    whole = train_under(config, blobs, tmp_path / "whole", train=short)
    with pytest.raises(KilledError):
        train_under(config, blobs, tmp_path / "cut", kill_after(0), short)
    resumed = train_under(config, blobs, tmp_path / "cut", train=short)
    for one, other in zip(whole, resumed, strict=True):
        assert one.state_dict().keys() == other.state_dict().keys()
        assert all(torch.equal(tensor, other.state_dict()[key]) for key, tensor in one.state_dict().items())


@pytest.fixture
def calls(monkeypatch):
    """How often networks are asked, and for what: (arch, method) -> calls."""
    counts = {}

    def counted(owner, name):
        original = getattr(owner, name)

        def method(self, *args, **kwargs):
            arch = getattr(self, "arch", "")
            counts[arch, name] = counts.get((arch, name), 0) + 1
            return original(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, method)

    for name in ("forward", "forward_features", "forward_head", "forward_stages", "pooled"):
        counted(Classifier, name)
    counted(looking, "label_maps")
    counted(torch.autograd, "grad")
    counted(torch.autograd, "backward")
    return counts


def batch_of(n=4):
    images = torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return Batch(images, images, torch.zeros(n, 3), None, None, np.arange(n), 0)


@pytest.mark.parametrize(
    ("needs", "asked"),
    [
        ((), {"forward": 1, "forward_features": 1, "forward_head": 1}),
        (("embeddings",), {"forward_features": 1, "forward_head": 1, "pooled": 1}),
        (("maps",), {"forward_features": 1, "forward_head": 1, "label_maps": 1, "grad": 3}),
        (("stages",), {"forward_stages": 1, "forward_head": 1}),
        (
            ("maps", "stages", "embeddings"),
            {"forward_stages": 1, "forward_head": 1, "label_maps": 1, "grad": 3, "pooled": 1},
        ),
    ],
)
def test_nothing_is_computed_that_nobody_needs(calls, needs, asked):
    """A trunk and a head once, whatever is asked; without needs it is `forward` and nothing else."""
    model = make_staged()
    seen = views(model, batch_of().images, needs, create_graph=True)
    counts = {}
    for (_, name), n in calls.items():
        counts[name] = counts.get(name, 0) + n
    assert counts == asked
    assert {n for n in ("maps", "embeddings", "stages") if getattr(seen, n) is not None} == set(needs)


@pytest.mark.parametrize("name", [name for name, entry in OBJECTIVES.items() if not entry.needs])
def test_an_objective_of_logits_costs_one_pass_a_step(blobs, tmp_path, calls, name):
    """Six steps an epoch and two batches of validation: a pass each, a backward pass a step, and no maps."""
    student, train = make_staged(), TrainConfig(epochs=1, warm_epochs=0, batch_size=12)
    answers = np.zeros((len(blobs), 3), np.float32)
    config = ObjectiveConfig.named(name)
    for loss in (objective(config, student), control(config)):
        calls.clear()
        fit(
            student,
            blobs,
            train,
            loss,
            teacher_logits=answers,
            seed=0,
            work_dir=tmp_path / str(loss.alpha),
            on_event=lambda event: None,
        )
        passes = {"forward": 8, "forward_features": 8, "forward_head": 8, "backward": 6}
        assert {method: n for (_, method), n in calls.items()} == passes


@pytest.mark.parametrize("half", [False, True])
def test_a_teacher_that_is_looked_at_does_not_learn(monkeypatch, half):
    monkeypatch.setattr("cxrkd.train.asking.multiplies_bfloat16", lambda where: half)
    teacher = make_staged().train()
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    said = InTheLoop(teacher, frozenset(("maps", "embeddings", "stages")))(batch_of())
    tensors = [said.logits, said.maps, said.embeddings, *said.stages]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
    assert not any(tensor.requires_grad for tensor in tensors)
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, teacher.state_dict()[name]) for name, tensor in before.items())


def test_a_student_comes_to_look_where_its_teacher_looks(blobs, tmp_path):
    """Labels weigh nothing and the logits of the teacher are not seen: its maps alone are learned."""
    events = []
    config = ObjectiveConfig.named("cam", alpha=0.0)
    train = PACE.model_copy(update={"epochs": 6, "augment": False, "precision": "bf16-mixed"})
    train_under(config, blobs, tmp_path, events.append, train)
    told = [event["parts"]["cam"] for event in events if event["kind"] == "epoch"]
    assert told[-1] < 0.4 * told[0]


def test_extreme_logits_and_a_batch_of_one_stay_numbers():
    for dtype in (torch.float32, torch.bfloat16):
        student, teacher = make_staged(), make_staged(seed=3).eval()
        with torch.no_grad():
            student.backbone.head[-1].bias.copy_(torch.tensor([40.0, -40.0, 200.0]))
            teacher.backbone.head[-1].bias.copy_(torch.tensor([-40.0, float("nan"), 40.0]))
        loss = objective(ObjectiveConfig.named("cam", also=[{"name": "bkd"}, {"name": "paper"}]), student, teacher)
        images = batch_of(1).images
        student.eval()  # a batch of one has no variance to normalise by
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            mine = views(student, images, loss.needs, create_graph=True)
            parts = loss(mine, views(teacher, images, loss.needs), torch.tensor([[1.0, float("nan"), 0.0]]))
        parts.total.backward()
        assert torch.isfinite(parts.total)
        assert all(torch.isfinite(p.grad).all() for p in student.parameters() if p.grad is not None)


def test_views_are_cut_from_their_graph():
    z = torch.zeros(1, 2, dtype=torch.bfloat16, requires_grad=True)
    cut = Views(z, None, z, None, (z, z)).detached()
    assert [t.dtype for t in (cut.logits, cut.maps, *cut.stages)] == [torch.float32] * 4
    assert not cut.stages[0].requires_grad
