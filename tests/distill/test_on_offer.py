"""Every network on offer, in its part of a distillation: two steps, and the maps of what came of them."""

import copy
from itertools import combinations

import numpy as np
import pytest
import torch

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.loss import objective
from cxrkd.explain.cam import grad_cam
from cxrkd.models.views import views
from cxrkd.models.zoo import build, list_archs, role_of
from tests import toys

SIZE = 64
TARGETS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, float("nan")], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def films():
    return torch.rand(len(TARGETS), 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module", params=list_archs())
def pair(request, films):
    """Student and teacher after two steps of answers and maps; a network of either part is the student."""
    torch.manual_seed(0)
    network, toy = build(request.param, toys.LABELS, SIZE), toys.make_toy(seed=1)
    student, teacher = (toy, network) if role_of(request.param) == "teacher" else (network, toy)
    before = copy.deepcopy(student.state_dict()), copy.deepcopy(teacher.eval().state_dict())
    losses = two_steps(student.train(), teacher, films)
    return student.eval(), teacher, before, losses


def two_steps(student, teacher, films):
    loss = objective(ObjectiveConfig.named("bkd", also=[{"name": "cam"}]), student, teacher)
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)
    with torch.no_grad():
        theirs = views(teacher, films, loss.needs)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        parts = loss(views(student, films, loss.needs, create_graph=True), theirs, TARGETS)
        parts.total.backward()
        optimizer.step()
        losses.append({name: value.item() for name, value in parts.parts.items()})
    return losses


def test_two_steps_move_all_of_the_student_and_none_of_the_teacher(pair):
    student, teacher, (before_s, before_t), losses = pair
    assert set(losses[0]) == {"task", "bkd", "cam"}
    assert all(np.isfinite(list(parts.values())).all() for parts in losses)
    moved = {name for name, tensor in student.state_dict().items() if not torch.equal(tensor, before_s[name])}
    assert {name for name, _ in student.named_parameters()} <= moved
    assert all(torch.isfinite(tensor).all() for tensor in student.state_dict().values())
    assert all(torch.equal(tensor, before_t[name]) for name, tensor in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_both_are_explained(pair, films):
    """Maps of their grid, one a label, that differ between labels and belong to the answer."""
    for model in pair[:2]:
        result = grad_cam(model, films[:1])
        strength = np.abs(result.cams).max(axis=(1, 2), keepdims=True)
        assert result.cams.shape[0] == len(toys.LABELS)
        assert (strength > 0).all()
        for a, b in combinations(result.cams / strength, 2):
            assert np.abs(a - b).max() > 1e-3
        with torch.no_grad():
            np.testing.assert_allclose(result.logits, model(films[:1])[0], rtol=1e-4, atol=1e-5)
