"""Objectives: what the select box lists is what can be configured, built and learned from."""

from typing import get_args

import pytest
import torch

from cxrkd.config import ObjectiveConfig
from cxrkd.distill import bce, binary_kl, focal_bce, list_objectives, no_distillation, objective, paper_mse
from cxrkd.distill.registry import register
from cxrkd.errors import ConfigError

NAMES = [entry.name for entry in list_objectives()]
NAN = float("nan")


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    z_s, z_t = torch.randn(4, 3, generator=g), torch.randn(4, 3, generator=g)
    y = torch.tensor([[1.0, 0.0, NAN], [0.0, NAN, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    return z_s.requires_grad_(), z_t.requires_grad_(), y


def test_every_name_that_can_be_configured_is_registered_and_described():
    assert set(NAMES) == set(get_args(ObjectiveConfig.model_fields["name"].annotation))
    for entry in list_objectives():
        assert entry.description.count(".") == 1
        assert "arXiv" in entry.reference


def test_paper_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = objective(ObjectiveConfig(name="paper", alpha=0.3, temperature=3.0, gamma=1.5))(z_s, z_t, y)
    task, soft = focal_bce(z_s, y, 1.5), paper_mse(z_s, z_t, 3.0, ~torch.isnan(y))
    assert parts.to_dict() == pytest.approx(
        {"loss": 0.3 * task.item() + 0.7 * soft.item(), "task": task.item(), "distill": soft.item()}, rel=1e-6
    )


def test_bkd_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = objective(ObjectiveConfig(name="bkd", alpha=0.3, temperature=3.0))(z_s, z_t, y)
    assert parts.task.item() == pytest.approx(bce(z_s, y).item(), rel=1e-6)
    assert parts.distill.item() == pytest.approx(binary_kl(z_s, z_t, 3.0, ~torch.isnan(y)).item(), rel=1e-6)
    assert parts.total.item() == pytest.approx(0.3 * parts.task.item() + 0.7 * parts.distill.item(), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_soft_term_alone_teaches_the_student_and_only_where_labels_are_known(name, batch):
    """A published repository compares labels with the teacher there: the student is absent, its gradient zero."""
    z_s, z_t, y = batch
    objective(ObjectiveConfig(name=name, alpha=0.0))(z_s, z_t, y).total.backward()
    known = ~torch.isnan(y)
    assert z_s.grad[known].abs().min() > 0
    assert z_s.grad[~known].abs().max() == 0
    assert z_t.grad is None


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


def test_the_control_needs_no_teacher_and_ignores_one(batch):
    z_s, z_t, y = batch
    alone, beside = no_distillation(z_s, None, y), no_distillation(z_s, z_t, y)
    assert alone.total.item() == beside.total.item() == pytest.approx(bce(z_s, y).item())
    assert alone.distill.item() == 0


def test_a_taken_name_and_an_unknown_name_are_refused():
    with pytest.raises(ConfigError, match="paper"):
        register("paper", title="", description="", reference="")(lambda config: no_distillation)
    with pytest.raises(ConfigError, match="expected an objective among"):
        objective(ObjectiveConfig.model_construct(name="kl"))
