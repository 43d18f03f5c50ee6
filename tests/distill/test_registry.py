"""Objectives: what the select box lists is what can be configured, built and learned from."""

import math
from functools import partial
from typing import get_args

import pytest
import torch

from cxrkd.config import ObjectiveConfig
from cxrkd.distill import (
    Objective,
    bce,
    binary_kl,
    control,
    focal_bce,
    list_objectives,
    no_distillation,
    objective,
    paper_mse,
    registry,
)
from cxrkd.distill.registry import register
from cxrkd.errors import ConfigError

NAMES = [entry.name for entry in list_objectives()]
NAN = float("nan")


@pytest.fixture
def batch():
    """Four images, three labels; two labels unknown, one answer missing, and one cell without either."""
    g = torch.Generator().manual_seed(0)
    z_s, z_t = torch.randn(4, 3, generator=g), torch.randn(4, 3, generator=g)
    y = torch.tensor([[1.0, 0.0, NAN], [0.0, NAN, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    z_t[1, 1] = z_t[2, 0] = NAN
    return z_s.requires_grad_(), z_t.requires_grad_(), y


def gradient(loss, z):
    return torch.autograd.grad(loss, z)[0]


@pytest.fixture
def third(monkeypatch):
    """An objective that somebody adds later."""
    monkeypatch.setattr(registry, "_OBJECTIVES", dict(registry._OBJECTIVES))
    entry = Objective(
        "third",
        title="",
        description="",
        reference="",
        task=lambda config: partial(focal_bce, gamma=config.gamma / 3),
        distill=lambda config: lambda z_s, z_t: (z_s - z_t.nan_to_num()).abs().mean(),
    )
    register(entry)
    return entry


def test_every_name_that_can_be_configured_is_registered_and_described():
    assert set(NAMES) == set(get_args(ObjectiveConfig.model_fields["name"].annotation))
    for entry in list_objectives():
        assert entry.description.count(".") == 1
        assert "arXiv" in entry.reference


def test_paper_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = objective(ObjectiveConfig(name="paper", alpha=0.3, temperature=3.0, gamma=1.5))(z_s, z_t, y)
    task, soft = focal_bce(z_s, y, 1.5), paper_mse(z_s, z_t, 3.0)
    assert parts.to_dict() == pytest.approx(
        {"loss": 0.3 * task.item() + 0.7 * soft.item(), "task": task.item(), "distill": soft.item()}, rel=1e-6
    )


def test_bkd_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = objective(ObjectiveConfig(name="bkd", alpha=0.3, temperature=3.0))(z_s, z_t, y)
    assert parts.task.item() == pytest.approx(bce(z_s, y).item(), rel=1e-6)
    assert parts.distill.item() == pytest.approx(binary_kl(z_s, z_t, 3.0).item(), rel=1e-6)
    assert parts.total.item() == pytest.approx(0.3 * parts.task.item() + 0.7 * parts.distill.item(), rel=1e-6)


def by_hand(name, z_s, z_t, y, alpha, T, gamma):
    """The textbook's formulas, cell by cell, in Python's own floats."""

    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    task, soft = [], []
    for s, t, truth in zip(*(tensor.flatten().tolist() for tensor in (z_s, z_t, y)), strict=True):
        p, a, b = sigmoid(s), sigmoid(s / T), sigmoid(t / T)
        if not math.isnan(truth):
            focus = gamma if name == "paper" else 0.0
            right = p if truth == 1 else 1 - p
            task.append(-((1 - right) ** focus) * math.log(right))
        if not math.isnan(t):
            kl = b * math.log(b / a) + (1 - b) * math.log((1 - b) / (1 - a))
            soft.append(T**2 * ((a - b) ** 2 if name == "paper" else kl))
    mean = [sum(cells) / len(cells) if cells else 0.0 for cells in (task, soft)]
    return alpha * mean[0] + (1 - alpha) * mean[1]


CELLS = {
    "as they are": lambda y, z_t: None,
    "no label known": lambda y, z_t: y.fill_(NAN),
    "an image without a label": lambda y, z_t: y[3].fill_(NAN),
    "a label that the teacher does not know": lambda y, z_t: z_t[:, 1].fill_(NAN),
    "a teacher that knows nothing": lambda y, z_t: z_t.fill_(NAN),
}


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("name", NAMES)
def test_labels_count_where_they_are_known_and_the_teacher_where_it_answers(name, cells, batch):
    """Value and gradient by hand: each term is a mean over its own cells."""
    z_s, z_t, y = batch[0], batch[1].detach().clone(), batch[2].clone()
    CELLS[cells](y, z_t)
    loss = objective(ObjectiveConfig(name=name, alpha=0.3, temperature=3.0, gamma=1.5))(z_s, z_t, y).total
    told = {"z_t": z_t, "y": y, "alpha": 0.3, "T": 3.0, "gamma": 1.5}
    assert loss.item() == pytest.approx(by_hand(name, z_s.detach().double(), **told), rel=1e-5)
    slope = gradient(loss, z_s)
    for at in range(z_s.numel()):
        step = torch.zeros(z_s.numel(), dtype=torch.double)
        step[at] = 1e-5
        up, down = (by_hand(name, z_s.detach().double() + sign * step.view_as(z_s), **told) for sign in (1, -1))
        assert slope.flatten()[at].item() == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_soft_term_alone_teaches_the_student_wherever_the_teacher_answers(name, batch):
    """A published repository compares labels with the teacher there: the student is absent, its gradient zero."""
    z_s, z_t, y = batch
    objective(ObjectiveConfig(name=name, alpha=0.0))(z_s, z_t, y).total.backward()
    answers = ~torch.isnan(z_t)
    assert z_s.grad[answers].abs().min() > 0
    assert z_s.grad[~answers].abs().max() == 0
    assert z_t.grad is None


@pytest.mark.parametrize("name", NAMES)
def test_an_unlabelled_image_moves_the_distilled_student_and_not_the_one_alone(name, batch):
    z_s, z_t, y = batch[0], batch[1], batch[2].clone()
    y[3] = NAN
    config = ObjectiveConfig(name=name)
    for loss, learns in ((objective(config), True), (control(config), False), (no_distillation, False)):
        beside = loss(z_s, z_t, y).total
        assert (gradient(beside, z_s)[3] != 0).all() == learns
        without = loss(z_s[:3], z_t[:3], y[:3]).total
        assert (beside.item() == pytest.approx(without.item(), rel=1e-6)) != learns


@pytest.mark.parametrize("name", NAMES)
def test_an_objective_still_learns_the_labels_that_the_teacher_does_not_know(name, batch):
    z_s, z_t, y = batch[0], batch[1].detach().clone(), batch[2]
    z_t[:, 0] = NAN
    slope = gradient(objective(ObjectiveConfig(name=name))(z_s, z_t, y).total, z_s)
    assert torch.isfinite(slope).all()
    assert (slope[:, 0] != 0).all()
    assert slope[1, 1] == 0, "neither label nor answer"


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("name", [*NAMES, "third"])
def test_without_weight_on_the_teacher_an_objective_is_its_control(name, gamma, batch, third):
    """The control differs from the distilled student by the teacher and by nothing else."""
    z_s, z_t, y = batch
    config = ObjectiveConfig.model_construct(name=name, alpha=1.0, temperature=2.0, gamma=gamma)
    whole, alone = objective(config)(z_s, z_t, y), control(config)(z_s, None, y)
    assert whole.total.item() == alone.total.item()
    assert whole.task.item() == alone.task.item()
    assert torch.equal(gradient(whole.total, z_s), gradient(alone.total, z_s))


def test_controls_are_the_label_terms_of_their_objectives(batch):
    z_s, _, y = batch
    alone = {name: control(ObjectiveConfig(name=name, gamma=1.5, alpha=0.1))(z_s, None, y) for name in NAMES}
    assert alone["paper"].total.item() == focal_bce(z_s, y, 1.5).item()
    assert alone["bkd"].total.item() == bce(z_s, y).item()


@pytest.mark.parametrize("name", NAMES)
def test_labels_alone_do_not_see_the_teacher(name, batch):
    z_s, z_t, y = batch
    loss = objective(ObjectiveConfig(name=name, alpha=1.0))
    assert torch.equal(loss(z_s, z_t, y).total, loss(z_s, -z_t, y).total)


@pytest.mark.parametrize("name", NAMES)
def test_temperature_is_used(name, batch):
    values = [objective(ObjectiveConfig(name=name, temperature=T))(*batch).total.item() for T in (1.0, 4.0)]
    assert values[0] != pytest.approx(values[1], rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_teacher_is_said(name, batch):
    with pytest.raises(ConfigError, match="teacher"):
        objective(ObjectiveConfig(name=name))(batch[0], None, batch[2])


@pytest.mark.parametrize("loss", [no_distillation, *(control(ObjectiveConfig(name=name)) for name in NAMES)])
def test_learning_from_labels_needs_no_teacher_and_ignores_one(loss, batch):
    z_s, z_t, y = batch
    alone, beside = loss(z_s, None, y), loss(z_s, z_t, y)
    assert alone.total.item() == beside.total.item() == alone.task.item()
    assert alone.distill.item() == 0


def test_teachers_learn_by_plain_cross_entropy(batch):
    z_s, _, y = batch
    known = ~torch.isnan(y)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(z_s[known], y[known])
    assert no_distillation(z_s, None, y).total.item() == pytest.approx(plain.item(), rel=1e-6)


def test_a_taken_name_and_an_unknown_name_are_refused(third):
    with pytest.raises(ConfigError, match="third"):
        register(third)
    for build in (objective, control):
        with pytest.raises(ConfigError, match="expected an objective among"):
            build(ObjectiveConfig.model_construct(name="kl"))
