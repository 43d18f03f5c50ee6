"""Features, attention and similarities against closed forms and an oracle in numpy."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.loss import objective
from cxrkd.distill.objectives.attention import attention_distance
from cxrkd.distill.objectives.similarity import similarity_distance
from cxrkd.distill.projection import Projected, scaled_mse
from cxrkd.models.views import Views
from tests.toys import make_staged

NAN = float("nan")


def maps(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def slope_of_directions(x, t):
    """Gradient of || x/|x| - t/|t| ||^2: the part of -2 t/|t| that is at right angles to x, over |x|."""
    u, v = x / x.norm(), t / t.norm()
    return 2 * (u * (u @ v) - v) / x.norm()


def test_the_hint_has_the_gradient_of_its_closed_form():
    s, t = maps(3, 4, 5, 5).requires_grad_(), 9 * maps(3, 4, 5, 5, seed=1)
    value, target = scaled_mse(s, t), t / t.square().mean().sqrt()
    assert value.item() == pytest.approx(F.mse_loss(s, target).item(), rel=1e-6)
    assert torch.allclose(torch.autograd.grad(value, s)[0], 2 * (s - target) / s.numel(), atol=1e-7)


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_the_hint_does_not_hang_on_the_size_of_the_teachers_features(factor):
    s, t = maps(2, 3, 4, 4), maps(2, 3, 4, 4, seed=1)
    assert scaled_mse(s, factor * t).item() == pytest.approx(scaled_mse(s, t).item(), rel=1e-5)
    assert scaled_mse(torch.zeros_like(t), factor * t).item() == pytest.approx(1, rel=1e-5)


def test_a_teacher_without_features_gives_no_hint():
    s, t = maps(3, 2, 4, 4).requires_grad_(), maps(3, 2, 4, 4, seed=1)
    t[1, 0, 0, 0] = NAN
    value = scaled_mse(s, t)
    assert value.item() == pytest.approx(scaled_mse(s[[0, 2]], t[[0, 2]]).item(), rel=1e-6)
    slope = torch.autograd.grad(value, s)[0]
    assert (slope[1] == 0).all()
    assert (slope[[0, 2]] != 0).all()
    for nothing in (torch.zeros_like(t), torch.full_like(t, NAN)):
        value = scaled_mse(s, nothing)
        assert value.item() == 0
        assert (torch.autograd.grad(value, s)[0] == 0).all()


def test_a_projection_that_is_there_already_is_at_its_end():
    """Teacher's features that are a linear map of the student's, on a coarser grid."""
    hint, s = Projected(4, 7), maps(2, 4, 6, 6)
    with torch.no_grad():
        size = hint.projection(F.avg_pool2d(s, 2)).square().mean().sqrt()
        for parameter in hint.parameters():
            parameter /= size
        t = 5 * hint.projection(F.avg_pool2d(s, 2))
    say = [Views(torch.zeros(2, 1), stages=(torch.zeros(1), features)) for features in (s, t)]
    assert hint(*say, torch.zeros(2, 1)).item() == pytest.approx(0, abs=1e-9)
    for parameter in hint.parameters():
        assert torch.autograd.grad(hint(*say, torch.zeros(2, 1)), parameter)[0].abs().max() < 1e-5


def test_the_projection_is_trained_with_the_student_and_nothing_else_is():
    student, teacher = make_staged(), make_staged(3, (5, 10, 12))
    loss = objective(ObjectiveConfig.named("hint"), student, teacher)
    assert {name: tuple(p.shape) for name, p in loss.named_parameters()} == {
        "terms.hint.loss.projection.weight": (12, 8, 1, 1),
        "terms.hint.loss.projection.bias": (12,),
    }


def test_attention_is_that_of_attention_transfer():
    s, t = maps(3, 4, 5, 5), maps(3, 6, 5, 5, seed=1)
    q_s, q_t = (F.normalize(each.double().square().sum(1).flatten(1)) for each in (s, t))
    assert attention_distance(s, t).item() == pytest.approx((q_s - q_t).square().sum(1).mean().item(), rel=1e-6)


def test_attention_has_the_gradient_of_its_closed_form():
    s, t = maps(1, 3, 4, 4).requires_grad_(), maps(1, 6, 4, 4, seed=1)
    q_s, q_t = (each.square().mean(1).flatten() for each in (s.detach(), t))
    expected = slope_of_directions(q_s, q_t).view(1, 1, 4, 4) * 2 * s.detach() / 3
    assert torch.allclose(torch.autograd.grad(attention_distance(s, t), s)[0], expected, atol=1e-7)


def test_attention_of_the_finer_grid_is_averaged_down():
    s, t = maps(2, 3, 8, 8), maps(2, 3, 4, 4, seed=1)
    coarse = F.avg_pool2d(s.square().mean(1, keepdim=True), 2).sqrt()
    assert attention_distance(s, t).item() == pytest.approx(attention_distance(coarse, t).item(), rel=1e-5)
    assert attention_distance(t, s).item() == pytest.approx(attention_distance(t, coarse).item(), rel=1e-5)


def test_stages_are_paired_from_the_deepest():
    student, teacher = make_staged(), make_staged(3, (5, 10, 12))
    term = objective(ObjectiveConfig.named("attention"), student, teacher).terms["attention"]
    stages_s = maps(2, 6, 8, 8), maps(2, 8, 4, 4, seed=1)
    stages_t = maps(2, 5, 8, 8, seed=2), maps(2, 10, 4, 4, seed=3), maps(2, 12, 2, 2, seed=4)
    nothing = torch.zeros(2, 3)
    parts = term(Views(nothing, stages=stages_s), Views(nothing, stages=stages_t), nothing)
    assert parts == {
        "attention.blocks.0": attention_distance(stages_s[0], stages_t[1]),
        "attention.blocks.1": attention_distance(stages_s[1], stages_t[2]),
    }
    deeper = term(Views(nothing, stages=stages_s), Views(nothing, stages=stages_t[2:]), nothing)
    assert list(deeper) == ["attention.blocks.1"]


@pytest.mark.parametrize("distance", [attention_distance, similarity_distance])
def test_films_without_features_do_not_count(distance):
    s, t = maps(4, 3, 4, 4).requires_grad_(), maps(4, 5, 4, 4, seed=1)
    t[0] = NAN
    with torch.no_grad():
        s[1], t[1] = 0.0, 0.0
    value = distance(s, t)
    assert value.item() == pytest.approx(distance(s[2:], t[2:]).item(), rel=1e-5)
    slope = torch.autograd.grad(value, s)[0]
    assert torch.isfinite(slope).all()
    assert (slope[:2] == 0).all()


def test_similarity_is_that_of_its_paper():
    """|| G_s - G_t ||_F^2 / B^2, but for one B."""
    s, t = maps(5, 4, 3, 3), maps(5, 2, 6, 6, seed=1)
    rows = []
    for features in (s, t):
        flat = features.flatten(1).double().numpy()
        gram = flat @ flat.T
        rows.append(gram / np.linalg.norm(gram, axis=1, keepdims=True))
    theirs = ((rows[0] - rows[1]) ** 2).sum() / 5**2
    assert similarity_distance(s, t).item() == pytest.approx(5 * theirs, rel=1e-5)


def test_similarity_has_the_gradient_of_its_closed_form():
    s, t = maps(3, 2, 2, 2).requires_grad_(), maps(3, 2, 2, 2, seed=1)
    flat, other = s.detach().flatten(1), t.flatten(1)
    gram, gram_t = flat @ flat.T, other @ other.T
    pull = torch.stack([slope_of_directions(gram[b], gram_t[b]) for b in range(3)]) / 3
    expected = ((pull + pull.T) @ flat).view_as(s)
    assert torch.allclose(torch.autograd.grad(similarity_distance(s, t), s)[0], expected, atol=1e-6)


def test_one_film_resembles_itself():
    s = maps(1, 2, 3, 3).requires_grad_()
    value = similarity_distance(s, maps(1, 4, 2, 2, seed=1))
    assert value.item() == 0
    assert (torch.autograd.grad(value, s)[0] == 0).all()
