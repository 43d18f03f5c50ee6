"""What is promised of every objective there is: the one that somebody adds tomorrow is tested here without a word."""

import copy
from contextlib import nullcontext

import pytest
import torch

from cxrkd.config import OBJECTIVES, ObjectiveConfig
from cxrkd.distill.loss import StatefulObjective, objective
from cxrkd.models.views import Views, views
from tests.toys import make_staged

NAN = float("nan")
TARGETS = torch.tensor([[1.0, 1.0, 0.0], [1.0, NAN, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
NAMES = list(OBJECTIVES)


def images(n=4):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def pair(student=(6, 8), teacher=(5, 10, 12)):
    """Networks of other widths, depths and grids, in evaluation mode: a batch of one has no variance."""
    return make_staged(0, student).eval(), make_staged(3, teacher).eval()


def past(student):
    """What it was an epoch ago, for whoever learns from that."""
    before = copy.deepcopy(student)
    with torch.no_grad():
        for parameter in before.parameters():
            parameter.mul_(0.9)
    return before


def learned(name, student, teacher, films, targets, **settings):
    """The loss of a batch from the teacher alone, after its gradient has come to whatever can have one."""
    loss = objective(ObjectiveConfig.named(name, alpha=0.0, view="same", **settings), student, teacher)
    loss.after_epoch(past(student), 0.5)
    mine, theirs = (views(network, films, loss.needs, create_graph=True) for network in (student, teacher))
    parts = loss(mine, theirs, targets)
    parts.total.backward()
    return parts, loss, mine


def slopes(module):
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def extreme(network, biases):
    with torch.no_grad():
        network.backbone.head[-1].weight.mul_(20)
        network.backbone.head[-1].bias.copy_(torch.tensor(biases))


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_logits_small_batches_and_half_precision_stay_numbers(name, dtype, n):
    student, teacher = pair()
    extreme(student, [40.0, -40.0, 200.0])
    extreme(teacher, [-40.0, NAN, 40.0])
    half = torch.autocast("cpu", torch.bfloat16) if dtype == torch.bfloat16 else nullcontext()
    with half:
        parts, loss, mine = learned(name, student, teacher, images(n), TARGETS[:n])
    assert mine.logits.dtype == dtype
    assert mine.logits.abs().max() > 40
    assert {part.dtype for part in parts.parts.values()} == {torch.float32}
    assert all(torch.isfinite(part) for part in (parts.total, *parts.parts.values()))
    assert all(torch.isfinite(slope).all() for slope in (*slopes(student), *slopes(loss)))


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_is_a_number(name, n):
    """Neither a label nor an answer; features and maps are there all the same, and may be learned from."""
    student, teacher = pair()
    extreme(teacher, [NAN, NAN, NAN])
    parts, loss, _ = learned(name, student, teacher, images(n), torch.full((n, 3), NAN))
    assert torch.isfinite(parts.total)
    assert all(torch.isfinite(slope).all() for slope in (*slopes(student), *slopes(loss)))
    if not OBJECTIVES[name].needs and name != "self":  # whose past answers whatever the teacher does
        assert parts.distill.item() == 0
        assert all((slope == 0).all() for slope in slopes(student))


@pytest.mark.parametrize("name", NAMES)
def test_a_teacher_gets_no_gradient_and_a_student_does(name):
    student, teacher = pair()
    parts, *_ = learned(name, student, teacher, images(), TARGETS)
    assert parts.distill.item() > 0
    assert slopes(teacher) == []
    assert max(slope.abs().max().item() for slope in slopes(student)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_student_that_is_its_teacher_has_learned_it(name):
    student, teacher = pair((6, 8), (6, 8))
    teacher.load_state_dict(student.state_dict())
    loss = objective(ObjectiveConfig.named(name, view="same"), student, teacher)
    if any(isinstance(term.loss, StatefulObjective) for term in loss.terms.values()):
        pytest.skip("what it owns lies between the two: its own tests say where it is zero")
    parts, *_ = learned(name, student, teacher, images(), TARGETS)
    assert parts.distill.item() == pytest.approx(0, abs=1e-6)
    assert max(slope.abs().max().item() for slope in slopes(student)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_its_weight_is_a_factor(name):
    values = []
    for weight in (1.0, 3.0):
        torch.manual_seed(0)
        values.append(learned(name, *pair(), images(), TARGETS, weight=weight)[0].distill.item())
    assert values[1] == pytest.approx(3 * values[0], rel=1e-5)


@pytest.mark.parametrize("name", ["paper", "bkd", "logits", "cam"])
def test_labels_do_not_compete(name):
    """Whatever the student says of one label, its gradient of another is the same."""
    term = objective(ObjectiveConfig.named(name, view="same"), *pair()).terms[name]
    draw = torch.Generator().manual_seed(0)
    z_s, z_t, y = (torch.randn(4, 3, generator=draw) for _ in range(3))
    maps_s, maps_t = (torch.randn(4, 3, 5, 5, generator=draw) for _ in range(2))
    pulls = []
    for changed in (0.0, 7.0):
        z = (z_s + torch.tensor([changed, 0, 0])).requires_grad_()
        maps = maps_s.clone()
        maps[:, 0] += changed * torch.linspace(-1, 1, 5)
        value = sum(term(Views(z, maps=maps.requires_grad_()), Views(z_t, maps=maps_t), y).values())
        pulls.append(torch.autograd.grad(value, maps if name == "cam" else z)[0])
    assert torch.equal(pulls[0][:, 1:], pulls[1][:, 1:])
    assert not torch.allclose(pulls[0][:, 0], pulls[1][:, 0])
