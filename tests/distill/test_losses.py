"""Losses against closed forms, independent oracles and the defects seen in other repositories."""

import math

import pytest
import torch
from torch.nn import functional as F

from cxrkd.distill.bce import bce
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.focal import focal_bce
from cxrkd.distill.objectives.logits import logit_mse
from cxrkd.distill.paper_mse import paper_mse

NAN = float("nan")
SOFTENED = [paper_mse, binary_kl]


def matched(logits_s, logits_t, T):
    return logit_mse(logits_s, logits_t)


DISTANCES = [*SOFTENED, matched]


def logits(*shape, seed=0, scale=3.0, dtype=torch.float32):
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale).to(dtype)


def labels(*shape, seed=1):
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


def gradient(loss, z):
    return torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize(("z", "y", "expected"), [(1.0, 1.0, 0.0226581), (-2.0, 0.0, 0.00180356)])
def test_focal_hand_values(z, y, expected):
    assert focal_bce(torch.tensor([[z]]), torch.tensor([[y]]), 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_paper_mse_hand_value():
    assert paper_mse(torch.tensor([[1.3]]), torch.tensor([[-0.7]]), 2.0).item() == pytest.approx(0.237418, rel=1e-5)


def test_focal_without_focus_is_plain_cross_entropy():
    z, y = logits(5, 14), labels(5, 14)
    plain = F.binary_cross_entropy_with_logits(z, y)
    assert torch.allclose(focal_bce(z, y, 0.0), plain, atol=1e-7)
    assert torch.allclose(bce(z, y), plain)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_is_the_textbook_formula(gamma):
    z, y = logits(6, 3).double(), labels(6, 3).double()
    p = torch.sigmoid(z)
    textbook = -((1 - p) ** gamma * y * p.log() + p**gamma * (1 - y) * (1 - p).log()).mean()
    assert focal_bce(z, y, gamma).item() == pytest.approx(textbook.item(), rel=1e-5)


@pytest.mark.parametrize("T", [0.5, 1.0, 2.0, 7.0])
def test_binary_kl_is_two_class_softmax_kl(T):
    z_s, z_t = logits(4, 14), logits(4, 14, seed=2)
    two = [torch.stack([z / T, torch.zeros_like(z)], -1).double() for z in (z_s, z_t)]
    cells = F.kl_div(two[0].log_softmax(-1), two[1].log_softmax(-1), log_target=True, reduction="none").sum(-1)
    assert binary_kl(z_s, z_t, T).item() == pytest.approx(T**2 * cells.mean().item(), rel=1e-5)


@pytest.mark.parametrize("T", [0.5, 1.0, 3.0])
def test_binary_kl_gradient_closed_form(T):
    z_s, z_t = logits(4, 14).requires_grad_(), logits(4, 14, seed=2)
    expected = T * (torch.sigmoid(z_s / T) - torch.sigmoid(z_t / T)) / z_s.numel()
    assert torch.allclose(gradient(binary_kl(z_s, z_t, T), z_s), expected, atol=1e-8)


@pytest.mark.parametrize("T", [0.5, 1.0, 3.0])
def test_paper_mse_gradient_closed_form_fades_when_saturated(T):
    z_s, z_t = logits(4, 14).requires_grad_(), logits(4, 14, seed=2)
    s, t = torch.sigmoid(z_s / T), torch.sigmoid(z_t / T)
    expected = 2 * T * (s - t) * s * (1 - s) / z_s.numel()
    assert torch.allclose(gradient(paper_mse(z_s, z_t, T), z_s), expected, atol=1e-8)


def test_logit_matching_gradient_closed_form():
    z_s, z_t = logits(4, 14).requires_grad_(), logits(4, 14, seed=2)
    assert torch.allclose(gradient(logit_mse(z_s, z_t), z_s), 2 * (z_s - z_t) / z_s.numel(), atol=1e-7)


@pytest.mark.parametrize(("loss", "divisor"), [(paper_mse, 16), (binary_kl, 8)])
def test_infinite_temperature_is_logit_matching(loss, divisor):
    z_s, z_t = logits(3, 5), logits(3, 5, seed=2)
    expected = ((z_s - z_t) ** 2).mean() / divisor
    assert expected.item() == pytest.approx(logit_mse(z_s, z_t).item() / divisor, rel=1e-6)
    # 100 is hot enough for the limit and cool enough for float32
    assert loss(z_s, z_t, 100.0).item() == pytest.approx(expected.item(), rel=5e-3)


@pytest.mark.parametrize("loss", DISTANCES)
def test_zero_with_zero_gradient_where_student_equals_teacher(loss):
    z = logits(3, 14, scale=8).requires_grad_()
    value = loss(z, z.detach().clone(), 2.0)
    assert value.item() == 0
    assert gradient(value, z).abs().max() == 0


@pytest.mark.parametrize("loss", DISTANCES)
def test_positive_and_pulling_towards_the_teacher_elsewhere(loss):
    z_s, z_t = logits(3, 14).requires_grad_(), logits(3, 14, seed=9)
    value = loss(z_s, z_t, 2.0)
    assert value.item() > 0
    assert torch.equal(gradient(value, z_s).sign(), (z_s - z_t).sign())


@pytest.mark.parametrize("loss", DISTANCES)
def test_the_teacher_gets_no_gradient(loss):
    z_s, z_t = logits(3, 4).requires_grad_(), logits(3, 4, seed=2).requires_grad_()
    loss(z_s, z_t, 2.0).backward()
    assert z_t.grad is None


@pytest.mark.parametrize("loss", DISTANCES)
def test_labels_do_not_compete(loss):
    z_s, z_t = logits(2, 5).requires_grad_(), logits(2, 5, seed=2)
    z_t[:, [0, 1, 2, 4]] = NAN
    pull = gradient(loss(z_s, z_t, 2.0), z_s)
    assert pull[:, 3].abs().min() > 0
    assert pull[:, [0, 1, 2, 4]].abs().max() == 0


@pytest.mark.parametrize("loss", SOFTENED)
def test_temperature_changes_the_gradient(loss):
    z_s, z_t = logits(2, 5).requires_grad_(), logits(2, 5, seed=2)
    assert not torch.allclose(gradient(loss(z_s, z_t, 1.0), z_s), gradient(loss(z_s, z_t, 4.0), z_s), rtol=0.05)


@pytest.mark.parametrize("loss", [lambda z, y: focal_bce(z, y, 2.0), bce])
def test_unknown_labels_are_left_out_of_mean_and_gradient(loss):
    z = logits(2, 3).requires_grad_()
    y = torch.tensor([[1.0, NAN, 0.0], [NAN, NAN, 1.0]])
    known = ~torch.isnan(y)
    value = loss(z, y)
    assert value.item() == pytest.approx(loss(z[known][None], y[known][None]).item(), rel=1e-6)
    pull = gradient(value, z)
    assert pull[~known].abs().max() == 0
    assert pull[known].abs().min() > 0


@pytest.mark.parametrize("loss", DISTANCES)
@pytest.mark.parametrize("nothing", [NAN, float("inf"), -float("inf")])
def test_the_distances_are_means_over_the_cells_that_the_teacher_answers(loss, nothing):
    z_s, z_t, answers = logits(4, 5).requires_grad_(), logits(4, 5, seed=2), labels(4, 5).bool()
    value = loss(z_s, torch.where(answers, z_t, nothing), 2.0)
    assert value.item() == pytest.approx(loss(z_s[answers][None], z_t[answers][None], 2.0).item(), rel=1e-6)
    pull = gradient(value, z_s)
    assert torch.isfinite(pull).all()
    assert pull[~answers].abs().max() == 0


def test_nothing_known_is_zero_and_not_nan():
    z, y = logits(1, 4).requires_grad_(), torch.full((1, 4), NAN)
    for value in (focal_bce(z, y, 2.0), bce(z, y), paper_mse(z, y, 2.0), binary_kl(z, y, 2.0)):
        assert value.item() == 0
        assert gradient(value, z).abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_binary_kl_of_saturated_logits_is_finite_and_still_teaches(dtype):
    """In probability space this is infinite with zero gradient, because 1 - 1e-8 is 1 in float32."""
    z_s = torch.tensor([[20.0, 40.0, -40.0]], dtype=dtype).requires_grad_()
    z_t = torch.tensor([[-5.0, -5.0, 5.0]], dtype=dtype)
    value = binary_kl(z_s, z_t, 1.0)
    assert 3 * value.item() == pytest.approx(99.2, abs=0.1)
    pull = 3 * gradient(value, z_s).float()
    assert pull.tolist()[0] == pytest.approx([0.993, 0.993, -0.993], abs=5e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_task_losses_are_finite_at_any_logit(dtype, gamma):
    z = torch.tensor([[40.0, -40.0, 40.0, -40.0, 200.0, -200.0]], dtype=dtype).requires_grad_()
    y = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]])
    value = focal_bce(z, y, gamma)
    assert value.dtype == torch.float32
    assert math.isfinite(value.item())
    pull = gradient(value, z)
    assert torch.isfinite(pull).all()
    assert pull[0, [1, 2]].abs().min() > 0.1  # confidently wrong: still taught


@pytest.mark.parametrize("loss", DISTANCES)
def test_a_batch_of_one_is_enough(loss):
    assert math.isfinite(loss(logits(1, 14), logits(1, 14, seed=2), 2.0).item())


@pytest.mark.parametrize("loss", DISTANCES)
def test_twice_the_batch_is_the_same_loss(loss):
    z_s, z_t = logits(3, 14), logits(3, 14, seed=2)
    twice = loss(torch.cat([z_s, z_s]), torch.cat([z_t, z_t]), 2.0)
    assert twice.item() == pytest.approx(loss(z_s, z_t, 2.0).item(), rel=1e-6)


@pytest.mark.parametrize("loss", DISTANCES)
def test_a_label_that_the_teacher_does_not_know_counts_for_nothing(loss):
    """NaN logits of a teacher: the value is that of the other labels, and no gradient is NaN."""
    z_s, z_t = logits(4, 14).requires_grad_(), logits(4, 14, seed=2)
    z_t[:, [3, 9]] = NAN
    kept = [k for k in range(14) if k not in (3, 9)]
    value = loss(z_s, z_t, 2.0)
    assert value.item() == pytest.approx(loss(z_s[:, kept], z_t[:, kept], 2.0).item(), rel=1e-6)
    slope = gradient(value, z_s)
    assert (slope[:, [3, 9]] == 0).all()
    assert (slope[:, kept] != 0).all()


@pytest.mark.parametrize("loss", DISTANCES)
def test_a_teacher_that_knows_nothing_is_no_loss(loss):
    z_s = logits(4, 3).requires_grad_()
    value = loss(z_s, torch.full((4, 3), NAN), 2.0)
    assert value.item() == 0
    assert (gradient(value, z_s) == 0).all()
