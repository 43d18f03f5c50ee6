"""A teacher that learns while it teaches: who learns what from whom."""

import copy

import pytest
import torch

from cxrkd.config import ObjectiveConfig, RunConfig, TrainConfig
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.joint import JointTeacher
from cxrkd.distill.loss import objective
from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views
from tests.toys import LABELS, SIZE, PlainToy, make_staged, make_toy

NAN = float("nan")
TARGETS = torch.tensor([[1.0, 1.0, 0.0], [1.0, NAN, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
KNOWN = 11
T = 2.0


@pytest.fixture
def teacher():
    """Without norms and dropout, so that it answers alike in every mode."""
    torch.manual_seed(0)
    return Classifier("plain_toy", LABELS, SIZE, PlainToy(3)).eval()


def films(n=4):
    return torch.rand(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def asked(images):
    """What the training passes on of a teacher that nobody asks."""
    return Views(torch.full((len(images), 3), NAN), images)


def student_logits(scale=1.0):
    return (scale * torch.randn(4, 3, generator=torch.Generator().manual_seed(1))).requires_grad_()


def told(teacher, z_s, **settings):
    loss = objective(ObjectiveConfig.named("joint", temperature=T, **settings), make_toy(), teacher)
    return loss, loss(Views(z_s, films()), asked(films()), TARGETS)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_the_student_learns_labels_and_answers_and_nothing_else(teacher, alpha):
    """The slope of cross-entropy is p - y over the known cells, that of the divergence T (p_s - p_t) over all cells."""
    z_s, z_t = student_logits(), teacher(films()).detach()
    _, parts = told(teacher, z_s, alpha=alpha)
    labels = torch.where(TARGETS.isnan(), 0.0, z_s.sigmoid() - TARGETS.nan_to_num()) / KNOWN
    answers = T * ((z_s / T).sigmoid() - (z_t / T).sigmoid()) / 12
    slope = torch.autograd.grad(parts.total, z_s)[0]
    torch.testing.assert_close(slope, (alpha * labels + (1 - alpha) * answers).detach())


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.0}, {"alpha": 1.0}, {"weight": 7.0}, {"warm_up": 1.0}])
def test_the_teacher_learns_labels_and_nothing_else(teacher, settings):
    """Whatever the student answers, and however much either counts: p - y over the known cells, by hand."""
    by_hand = torch.where(TARGETS.isnan(), 0.0, teacher(films()).sigmoid() - TARGETS.nan_to_num()).sum(0) / KNOWN
    for scale in (1.0, 30.0):
        loss, parts = told(teacher, student_logits(scale), **settings)
        parts.total.backward()
        own = loss.learners[0].teacher.backbone.head[-1].bias.grad
        torch.testing.assert_close(own, by_hand.detach())
    assert all(parameter.grad is None for parameter in teacher.parameters()), "the given one is copied"


def test_its_parts_are_named_and_its_own_is_no_distance_to_the_student(teacher):
    z_s, z_t = student_logits(), teacher(films()).detach()
    _, parts = told(teacher, z_s, alpha=0.25, weight=2.0)
    p = z_t.double().sigmoid()
    by_hand = torch.where(TARGETS == 1, p, 1 - p).log()[~TARGETS.isnan()].mean().neg()
    assert list(parts.parts) == ["task", "joint.answers", "joint.teacher"]
    assert parts.parts["joint.teacher"].item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert parts.distill.item() == pytest.approx(2 * binary_kl(z_s, z_t, T).item(), rel=1e-6)
    whole = 0.25 * parts.task + 0.75 * parts.distill + parts.parts["joint.teacher"]
    assert parts.total.item() == pytest.approx(whole.item(), rel=1e-6)


def test_the_students_part_is_zero_where_it_answers_as_the_teacher(teacher):
    z_s = teacher(films()).detach().requires_grad_()
    _, parts = told(teacher, z_s, alpha=0.0)
    assert parts.distill.item() == pytest.approx(0, abs=1e-7)
    assert torch.autograd.grad(parts.total, z_s)[0].abs().max() < 1e-7
    assert parts.parts["joint.teacher"].item() > 0.1, "labels are not known yet"


def test_nothing_known_and_nothing_answered_is_nothing_learned(teacher):
    with torch.no_grad():
        teacher.backbone.head[-1].bias.fill_(NAN)
    z_s = student_logits()
    loss, parts = told(teacher, z_s, alpha=0.0)
    parts.total.backward()
    assert parts.total.item() == 0
    slopes = [parameter.grad for parameter in loss.parameters()]
    assert all((slope == 0).all() for slope in (z_s.grad, *slopes))


def test_a_label_that_it_was_never_taught_stays_without_an_answer(teacher):
    """As of a relabelled network: the others are learned as if it were not there."""
    with torch.no_grad():
        teacher.backbone.head[-1].bias[1] = NAN
    loss, parts = told(teacher, student_logits())
    parts.total.backward()
    p = teacher(films()).detach()[:, [0, 2]].sigmoid()
    slope = loss.learners[0].teacher.backbone.head[-1].bias.grad
    torch.testing.assert_close(slope[[0, 2]], (p - TARGETS[:, [0, 2]]).sum(0) / 8)
    assert slope[1] == 0
    assert all(torch.isfinite(parameter.grad).all() for parameter in loss.parameters())


def test_it_is_a_copy_in_float32_that_trains():
    """Of whatever it is made from: norms count the batch, dropout drops, nothing is frozen."""
    given = make_toy(seed=3).eval().half().requires_grad_(False)
    joint = JointTeacher(given, T, 0.1)
    assert all(module.training for module in joint.modules())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in joint.parameters())
    before = copy.deepcopy(given.state_dict())
    first, second = (joint(Views(torch.zeros(4, 3)), asked(films()), TARGETS)["teacher"] for _ in range(2))
    assert first != second, "dropout"
    assert int(joint.teacher.backbone.trunk[1].num_batches_tracked) == 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in given.state_dict().items())


def test_it_sees_the_films_at_full_size_where_the_student_sees_small_ones(teacher):
    loss = objective(ObjectiveConfig.named("joint"), make_toy(), teacher)
    small = torch.nn.functional.avg_pool2d(films(), 2)
    parts = loss(Views(student_logits(), small), asked(films()), TARGETS)
    _, whole = told(teacher, student_logits())
    assert parts.parts["joint.teacher"] == whole.parts["joint.teacher"]


def test_what_it_cannot_do_is_a_sentence():
    with pytest.raises(ConfigError, match=r"joint looks at the teacher's weights: expected the teacher itself"):
        objective(ObjectiveConfig.named("joint"), make_toy())
    with pytest.raises(ValueError, match=r"not the weights needed by joint: set \{objective.view\} to same"):
        RunConfig(name="x", objective={"name": "joint", "view": "cached"})
    beside = {"name": "bkd", "view": "same", "shuffled": True, "also": [{"name": "joint"}]}
    for config in ({"name": "joint", "shuffled": True}, beside):
        with pytest.raises(ValueError, match=r"whose labels it learns: do without \{objective.shuffled\}"):
            RunConfig(name="x", objective=config)
    augmented = TrainConfig(augment=True, mixup=0.2)
    assert RunConfig(name="x", student_train=augmented, objective={"name": "joint"}).objective.view == "same"


def test_who_is_asked_hangs_on_all_terms():
    alone = ObjectiveConfig.named("joint")
    beside = ObjectiveConfig.named("cam", also=[{"name": "joint"}])
    usual = ObjectiveConfig.named("cam")
    assert [c.asks for c in (alone, beside, usual)] == [False, True, True]
    assert [c.trains_teacher for c in (alone, beside, usual)] == [True, True, False]
    assert [c.needs for c in (alone, beside, usual)] == [frozenset(), {"maps"}, {"maps"}]
    losses = [objective(config, make_staged(), make_staged()) for config in (alone, beside, usual)]
    assert [loss.asks for loss in losses] == [False, True, True]
    assert [len(loss.learners) for loss in losses] == [1, 1, 0]
