"""The ways of learning from labels of which few are positive, against torch, torchvision and the printed formula."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from cxrkd.config import OBJECTIVES, ObjectiveConfig, RunConfig
from cxrkd.distill.asymmetric import asymmetric_bce
from cxrkd.distill.bce import bce
from cxrkd.distill.facts import MOST, Facts
from cxrkd.distill.focal import focal_bce
from cxrkd.distill.labels import label_loss
from cxrkd.distill.loss import control, objective
from cxrkd.errors import ConfigError
from cxrkd.models.views import Views
from tests.toys import make_staged

NAN = float("nan")
FACTS = Facts(prevalence=(0.2, 0.5, 0.001))
BALANCES = ("none", "weighted", "focal", "asymmetric")


def cells(seed=0, n=6, k=3, scale=3.0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=g) * scale, (torch.rand(n, k, generator=g) < 0.4).float()


def loss_of(balance, facts=FACTS, **settings):
    return label_loss(ObjectiveConfig.named("bkd", balance=balance, **settings), facts)


def test_weighted_is_torchs_positive_weight_within_its_bound():
    z, y = cells()
    expected = F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor([4.0, 1.0, MOST]))
    assert loss_of("weighted")(z, y).item() == pytest.approx(expected.item(), rel=1e-6)


def test_prevalence_is_counted_over_known_cells():
    targets = np.array([[1, 0, NAN], [0, 0, NAN], [NAN, 0, NAN], [0, 1, NAN]], np.float32)
    facts = Facts.of(targets)
    assert facts.prevalence == (1 / 3, 0.25, None)
    assert facts.positive_weights().tolist() == pytest.approx([2, 3, 1])
    assert Facts(prevalence=(0.0, 1.0)).positive_weights().tolist() == pytest.approx([MOST, 1 / MOST])
    assert Facts.model_validate_json(facts.model_dump_json()) == facts


@pytest.mark.parametrize("gamma", [0.0, 1.5, 2.0])
def test_focal_is_torchvisions(gamma):
    z, y = cells()
    expected = sigmoid_focal_loss(z, y, alpha=-1, gamma=gamma, reduction="mean")
    assert loss_of("focal", gamma=gamma)(z, y).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("positive", "negative", "clip"), [(0, 4, 0.05), (1, 4, 0.05), (0.5, 0.5, 0.2), (2, 0, 0)])
def test_asymmetric_is_the_printed_formula(positive, negative, clip):
    z, y = cells()
    p = torch.sigmoid(z.double())
    shifted = (p - clip).clamp(min=0)
    present, absent = (1 - p) ** positive * p.log(), shifted**negative * (1 - shifted).log()
    expected = -(y * present + (1 - y) * absent).mean()
    loss = loss_of("asymmetric", gamma_positive=positive, gamma_negative=negative, clip=clip)
    assert loss(z, y).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_asymmetric_with_one_exponent_and_no_clip_is_focal(gamma):
    z, y = cells()
    z.requires_grad_()
    ours, focal = asymmetric_bce(z, y, gamma, gamma, 0.0), focal_bce(z, y, gamma)
    assert ours.item() == pytest.approx(focal.item(), rel=1e-6)
    assert torch.allclose(*(torch.autograd.grad(value, z)[0] for value in (ours, focal)), atol=1e-7)


def test_an_absent_finding_below_the_clip_is_done_with():
    z = torch.logit(torch.tensor([[0.04, 0.06]])).requires_grad_()
    (slope,) = torch.autograd.grad(asymmetric_bce(z, torch.zeros(1, 2)), z)
    assert slope[0, 0] == 0
    assert slope[0, 1] > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("settings", [{}, {"clip": 0.0}, {"gamma_negative": 0.5, "gamma_positive": 0.5}])
@pytest.mark.parametrize("balance", BALANCES)
def test_all_are_finite_at_any_logit(balance, settings, dtype):
    z = torch.tensor([[40.0, -40.0, 200.0], [-40.0, 40.0, -200.0]], dtype=dtype).requires_grad_()
    value = loss_of(balance, **settings)(z, torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    assert value.dtype == torch.float32
    assert math.isfinite(value.item())
    assert torch.isfinite(torch.autograd.grad(value, z)[0]).all()


@pytest.mark.parametrize("balance", BALANCES)
def test_unknown_labels_are_left_out_and_a_batch_of_one_is_enough(balance):
    z, y = cells(n=1)
    z.requires_grad_()
    y[0, 1] = NAN
    value = loss_of(balance)(z, y)
    known = Facts(prevalence=(0.2, 0.001))
    assert value.item() == pytest.approx(loss_of(balance, known)(z[:, [0, 2]], y[:, [0, 2]]).item(), rel=1e-6)
    assert torch.autograd.grad(value, z)[0][0, 1] == 0
    assert loss_of(balance)(z, torch.full_like(y, NAN)).item() == 0


@pytest.mark.parametrize("name", list(OBJECTIVES))
@pytest.mark.parametrize("balance", BALANCES)
def test_both_students_of_every_objective_learn_labels_alike(name, balance):
    config = ObjectiveConfig.named(name, balance=balance, view="same", alpha=1.0)
    z, y = cells()
    alone = control(config, facts=FACTS)(Views(z), None, y)
    assert alone.total.item() == pytest.approx(loss_of(balance)(z, y).item(), rel=1e-6)
    assert objective(config, make_staged(), make_staged(), facts=FACTS).task(z, y) == alone.task


def test_what_each_objective_does_with_labels_unless_told_otherwise():
    usual = {name: entry.config().balance for name, entry in OBJECTIVES.items()}
    assert usual.pop("paper") == "focal"
    assert set(usual.values()) == {"none"}


def test_a_file_from_before_means_what_it_meant():
    z, y = cells()
    for stored, expected in (
        ({"name": "paper", "gamma": 1.5}, focal_bce(z, y, 1.5)),
        ({"name": "bkd", "gamma": 1.5}, bce(z, y)),
        ({"name": "cam", "view": "same"}, bce(z, y)),
    ):
        config = RunConfig.recorded({"name": "x", "objective": stored}).objective
        assert label_loss(config, Facts())(z, y).item() == expected.item()


def test_a_file_of_now_keeps_the_exponent():
    config = RunConfig(name="x", objective={"name": "bkd", "balance": "focal", "gamma": 1.5})
    assert config.objective.gamma == 1.5
    assert RunConfig.recorded(config.model_dump(mode="json")) == config


def test_weights_without_counts_and_an_unknown_way_are_refused():
    with pytest.raises(ConfigError, match="how common each is: expected its prevalence, got none"):
        control(ObjectiveConfig.named("bkd", balance="weighted"))
    with pytest.raises(ValidationError, match="balance"):
        RunConfig(name="x", objective={"name": "bkd", "balance": "dice"})
