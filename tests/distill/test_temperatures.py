"""A temperature for each label."""

import pytest
import torch

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.facts import Facts
from cxrkd.distill.loss import objective
from cxrkd.errors import ConfigError
from cxrkd.models.views import Views
from tests.toys import make_toy

FACTS = Facts(temperatures=(0.5, 1.0, 3.0))


def logits(seed, dtype=torch.float32):
    return (torch.randn(5, 3, generator=torch.Generator().manual_seed(seed)) * 3).to(dtype)


def distilling(facts=FACTS, **settings):
    loss = objective(
        ObjectiveConfig.named("bkd", temperatures="fitted", alpha=0.0, **settings), make_toy(), facts=facts
    )
    return lambda z_s, z_t: loss(Views(z_s), Views(z_t), torch.zeros(len(z_s), 3)).total


def test_each_label_has_its_own():
    z_s, z_t = logits(0), logits(1)
    each = [binary_kl(z_s[:, [k]], z_t[:, [k]], T).item() for k, T in enumerate(FACTS.temperatures)]
    assert distilling()(z_s, z_t).item() == pytest.approx(sum(each) / 3, rel=1e-6)
    alike = distilling(Facts(temperatures=(2.0, 2.0, 2.0)))(z_s, z_t)
    assert alike.item() == pytest.approx(binary_kl(z_s, z_t, 2.0).item(), rel=1e-6)


def test_the_gradient_is_the_closed_form_and_zero_at_equality():
    z_s, z_t, T = logits(0).requires_grad_(), logits(1).requires_grad_(), torch.tensor(FACTS.temperatures)
    (slope,) = torch.autograd.grad(distilling()(z_s, z_t), z_s)
    torch.testing.assert_close(slope, (T * (torch.sigmoid(z_s / T) - torch.sigmoid(z_t / T)) / 15).detach())
    distilling()(z_s, z_t).backward()
    assert z_t.grad is None
    same = distilling()(z_s, z_s.detach())
    assert same.item() == 0
    assert torch.autograd.grad(same, z_s)[0].abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_finite_where_both_are_sure(dtype):
    z_s = torch.tensor([[40.0, -40.0, 40.0]], dtype=dtype).requires_grad_()
    value = distilling()(z_s, torch.tensor([[-40.0, 40.0, float("nan")]], dtype=dtype))
    assert value.item() == pytest.approx((0.25 * 80 + 40) / 2, rel=1e-3)
    assert torch.isfinite(torch.autograd.grad(value, z_s)[0]).all()


def test_a_teacher_whose_temperatures_nobody_fitted_is_refused():
    with pytest.raises(ConfigError, match="expected a teacher whose temperatures are fitted"):
        distilling(Facts())(logits(0), logits(1))


def test_they_are_no_part_of_what_is_saved():
    config = ObjectiveConfig.named("bkd", temperatures="fitted")
    assert objective(config, make_toy(), facts=FACTS).state_dict() == {}
