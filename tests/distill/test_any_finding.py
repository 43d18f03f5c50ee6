"""Any finding at all, from what is said of each."""

import pytest
import torch

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.any_finding import any_finding, any_logit
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.loss import objective
from cxrkd.models.views import Views
from tests.toys import LABELS, make_toy

NAN = float("nan")


def logits(seed, n=5, k=3):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed)) * 2


def test_it_is_one_minus_the_product_of_what_is_absent():
    z = logits(0)
    counts = torch.ones_like(z, dtype=torch.bool)
    counts[0, 1] = counts[2, 0] = counts[2, 2] = False
    absent = torch.where(counts, 1 - torch.sigmoid(z.double()), 1.0)
    torch.testing.assert_close(any_logit(z, counts).double(), torch.logit(1 - absent.prod(1)), rtol=1e-5, atol=1e-6)


def test_one_label_is_its_own_logit():
    z = torch.linspace(-60, 60, 41)[:, None]
    torch.testing.assert_close(any_logit(z, torch.ones_like(z, dtype=torch.bool)), z[:, 0], rtol=1e-5, atol=1e-5)


def test_the_loss_is_the_divergence_of_the_two_answers_and_its_gradient_the_closed_form():
    z_s, z_t = logits(0).requires_grad_(), logits(1).requires_grad_()
    p_s, p_t = (1 - (1 - torch.sigmoid(z.double())).prod(1) for z in (z_s, z_t))
    value = any_finding(z_s, z_t, 1.0, LABELS)
    expected = (p_t * (p_t / p_s).log() + (1 - p_t) * ((1 - p_t) / (1 - p_s)).log()).mean()
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    (slope,) = torch.autograd.grad(value, z_s, retain_graph=True)
    by_hand = ((p_s - p_t) / p_s)[:, None] * torch.sigmoid(z_s.double()) / 5
    torch.testing.assert_close(slope.double(), by_hand.detach(), rtol=1e-4, atol=1e-7)
    value.backward()
    assert z_t.grad is None


def test_zero_at_equality_and_a_temperature_counts():
    z = logits(0).requires_grad_()
    same = any_finding(z, z.detach(), 2.0, LABELS)
    assert same.item() == 0
    assert torch.autograd.grad(same, z)[0].abs().max() == 0
    values = [any_finding(z, logits(1), T, LABELS).item() for T in (1.0, 4.0)]
    assert values[0] != pytest.approx(values[1], rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [40.0, 200.0])
def test_it_is_finite_where_everything_is_sure(size, dtype):
    z_s = torch.tensor([[size] * 3, [-size] * 3], dtype=dtype).requires_grad_()
    value = any_finding(z_s, -z_s.detach(), 1.0, LABELS)
    assert torch.isfinite(value)
    assert torch.isfinite(torch.autograd.grad(value, z_s)[0]).all()


def test_labels_without_an_answer_or_without_disease_do_not_count():
    z_s, z_t = logits(0).requires_grad_(), logits(1)
    z_t[:, 1], z_t[3] = NAN, NAN
    named = any_finding(z_s, z_t, 1.0, ("Mass", "Edema", "No Finding"))
    (slope,) = torch.autograd.grad(named, z_s)
    kept = [0, 1, 2, 4]
    assert named.item() == pytest.approx(binary_kl(z_s[kept, :1], z_t[kept, :1], 1.0).item(), rel=1e-5)
    assert (slope[kept, 0] != 0).all()
    assert slope[:, 1:].abs().max() == 0
    assert slope[3].abs().max() == 0
    assert any_finding(z_s, torch.full_like(z_t, NAN), 1.0, LABELS).item() == 0


def test_it_goes_along_and_a_batch_of_one_is_enough():
    student = make_toy()
    loss = objective(ObjectiveConfig.named("bkd", alpha=0.0, also=[{"name": "any_finding", "weight": 0.5}]), student)
    z_s, z_t = logits(0, n=1), logits(1, n=1)
    told = loss(Views(z_s), Views(z_t), torch.zeros(1, 3))
    expected = binary_kl(z_s, z_t, 2.0) + 0.5 * any_finding(z_s, z_t, 2.0, student.labels)
    assert told.total.item() == pytest.approx(expected.item(), rel=1e-6)
