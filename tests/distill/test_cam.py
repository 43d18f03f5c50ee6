"""Looking where the teacher looks."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cxrkd.config import RunConfig
from cxrkd.distill.objectives.cam import map_distance

NAN = float("nan")


def maps(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def everywhere(n, k):
    return torch.ones(n, k, dtype=torch.bool)


def test_it_is_one_minus_the_cosine():
    s, t = maps(3, 4, 7, 7), maps(3, 4, 7, 7, seed=1)
    a, b = s.flatten(2).double().numpy(), t.flatten(2).double().numpy()
    cosines = (a * b).sum(2) / np.linalg.norm(a, axis=2) / np.linalg.norm(b, axis=2)
    assert map_distance(s, t, everywhere(3, 4)).item() == pytest.approx(1 - cosines.mean(), rel=1e-5)


@pytest.mark.parametrize(("factor", "expected"), [(1e-6, 0.0), (1e4, 0.0), (-1.0, 2.0)])
def test_scale_does_not_count_and_sign_does(factor, expected):
    t = maps(2, 3, 5, 5)
    assert map_distance(factor * t, t, everywhere(2, 3)).item() == pytest.approx(expected, abs=1e-5)


def test_the_finer_grid_is_averaged_down():
    s, t = maps(2, 3, 4, 4), maps(2, 3, 8, 8, seed=1)
    same = map_distance(s, F.avg_pool2d(t, 2), everywhere(2, 3))
    assert map_distance(s, t, everywhere(2, 3)).item() == pytest.approx(same.item(), rel=1e-6)
    assert map_distance(t, s, everywhere(2, 3)).item() == pytest.approx(same.item(), rel=1e-6)


def test_on_a_grid_of_two_it_is_half_of_class_attention_transfer():
    """Theirs: maps averaged to 2 x 2, each divided by its length, squared error summed over cells."""
    s, t = maps(2, 3, 8, 8), maps(2, 3, 4, 4, seed=1)
    quarters = [F.normalize(F.adaptive_avg_pool2d(each, 2).flatten(2), dim=2) for each in (s, t)]
    theirs = (quarters[0] - quarters[1]).square().sum(2).mean()
    assert map_distance(s, t, everywhere(2, 3), 2).item() == pytest.approx(theirs.item() / 2, rel=1e-5)
    assert map_distance(s, t, everywhere(2, 3), 4) == map_distance(s, t, everywhere(2, 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_labels_without_an_answer_or_without_a_map_do_not_count(dtype):
    s, t = maps(2, 3, 5, 5).to(dtype).requires_grad_(), maps(2, 3, 5, 5, seed=1).to(dtype)
    t[0, 1], t[1, 2] = NAN, 0.0
    with torch.no_grad():
        s[1, 1] = 0.0
    known = everywhere(2, 3)
    known[0, 0] = False
    value = map_distance(s, t, known)
    assert value.dtype == torch.float32
    kept = [(0, 2), (1, 0)]
    expected = np.mean(
        [map_distance(s[i : i + 1, k : k + 1], t[i : i + 1, k : k + 1], everywhere(1, 1)).item() for i, k in kept]
    )
    assert value.item() == pytest.approx(expected, rel=1e-5)
    (slope,) = torch.autograd.grad(value, s)
    assert torch.isfinite(slope).all()
    moved = {(i, k) for i in range(2) for k in range(3) if slope[i, k].abs().sum() > 0}
    assert moved == set(kept)


def test_a_teacher_that_knows_nothing_is_no_loss():
    s = maps(1, 3, 5, 5).requires_grad_()
    value = map_distance(s, torch.full((1, 3, 5, 5), NAN), everywhere(1, 3))
    assert value.item() == 0
    assert (torch.autograd.grad(value, s)[0] == 0).all()


def test_the_teacher_gets_no_gradient():
    s, t = maps(1, 3, 5, 5).requires_grad_(), maps(1, 3, 5, 5, seed=1).requires_grad_()
    map_distance(s, t, everywhere(1, 3)).backward()
    assert t.grad is None
    assert s.grad.abs().sum() > 0


def test_it_asks_for_the_teacher_itself():
    assert RunConfig(name="x", objective={"name": "cam"}).objective.view == "same"
    sentence = r"cached answers hold logits, not the label maps needed by cam: set \{objective.view\} to same"
    with pytest.raises(ValueError, match=sentence):
        RunConfig(name="x", objective={"name": "cam", "view": "cached"})
    with pytest.raises(ValueError, match=sentence):
        RunConfig(name="x", objective={"name": "bkd", "also": [{"name": "cam"}]})
