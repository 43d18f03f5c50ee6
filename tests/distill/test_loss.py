"""Objectives: what is registered can be configured, built and learned from, alone and together."""

import math
import subprocess
import sys
from typing import Literal

import pytest
import torch
from pydantic import Field, ValidationError

from cxrkd.config import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm, RunConfig
from cxrkd.config.objective import TemperedTerm
from cxrkd.distill.bce import bce
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.focal import focal_bce
from cxrkd.distill.loss import Loss, Term, control, objective, plain
from cxrkd.distill.paper_mse import paper_mse
from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.views import Views

NAMES = [name for name, entry in OBJECTIVES.items() if not entry.needs and name != "self"]
"""Those that learn from the logits of the run's teacher."""
CELL_BY_CELL = ["paper", "bkd", "logits"]
"""Objectives that are a mean over the cells that the teacher answers, whatever the labels."""
NAN = float("nan")


@pytest.fixture
def batch():
    """Four images, three labels; two labels unknown, one answer missing, and one cell without either."""
    g = torch.Generator().manual_seed(0)
    z_s, z_t = torch.randn(4, 3, generator=g), torch.randn(4, 3, generator=g)
    y = torch.tensor([[1.0, 0.0, NAN], [0.0, NAN, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    z_t[1, 1] = z_t[2, 0] = NAN
    return z_s.requires_grad_(), z_t.requires_grad_(), y


def gradient(loss, z):
    return torch.autograd.grad(loss, z)[0]


class Bare(Backbone):
    """A network that declares no stages."""

    def forward_features(self, x):
        return x

    def forward_head(self, features):
        return features.mean((2, 3))


STUDENT = Classifier("bare", ("a", "b", "c"), 8, Bare())


def distilling(name, **settings):
    """The loss of a student under cached answers, as `(logits_s, logits_t, targets)`."""
    return on_logits(objective(ObjectiveConfig.named(name, **settings), STUDENT))


def alone(name, **settings):
    return on_logits(control(ObjectiveConfig.named(name, **settings)))


def on_logits(loss):
    return lambda z_s, z_t, y, progress=1.0: loss(Views(z_s), None if z_t is None else Views(z_t), y, progress)


PLAIN = on_logits(plain())


class ThirdTerm(ObjectiveTerm):
    name: Literal["third"] = Field("third", title="Objective")


class ThirdConfig(ThirdTerm, ObjectiveConfig):
    balance: Literal["none", "weighted", "focal", "asymmetric"] = Field("focal", title="Imbalance of the labels")


THIRD = Objective(
    name="third",
    title="Third",
    sentence="An objective that somebody adds later.",
    term=ThirdTerm,
    config=ThirdConfig,
    build=lambda term, student, teacher: lambda s, t, y: (s.logits - t.logits.nan_to_num()).abs().mean(),
)


@pytest.fixture
def third():
    with OBJECTIVES.adding(THIRD):
        yield


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_every_objective_is_described_and_has_settings_of_its_name(name):
    entry = OBJECTIVES[name]
    assert entry.sentence.count(".") == 1
    assert "arXiv" in entry.source or "doi" in entry.source
    assert (entry.config().name, entry.term().name) == (name, name)
    assert issubclass(entry.config, entry.term)
    for model in (entry.config, entry.term):
        assert [field for field, info in model.model_fields.items() if not info.title] == []
    config = RunConfig(name="x", objective={"name": name, "view": "same"})
    assert type(config.objective) is entry.config
    assert RunConfig.recorded(config.model_dump(mode="json")) == config


def test_listing_objectives_does_not_load_torch():
    code = "import sys; from cxrkd.config import OBJECTIVES; list(OBJECTIVES); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_paper_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = distilling("paper", alpha=0.3, temperature=3.0, gamma=1.5)(z_s, z_t, y)
    task, soft = focal_bce(z_s, y, 1.5), paper_mse(z_s, z_t, 3.0)
    assert parts.total.item() == pytest.approx(0.3 * task.item() + 0.7 * soft.item(), rel=1e-6)
    assert (parts.task, parts.distill) == (task, soft)
    assert parts.parts == {"task": task, "paper": soft}


def test_bkd_is_the_weighted_sum_of_its_parts(batch):
    z_s, z_t, y = batch
    parts = distilling("bkd", alpha=0.3, temperature=3.0)(z_s, z_t, y)
    assert parts.task.item() == pytest.approx(bce(z_s, y).item(), rel=1e-6)
    assert parts.distill.item() == pytest.approx(binary_kl(z_s, z_t, 3.0).item(), rel=1e-6)
    assert parts.total.item() == pytest.approx(0.3 * parts.task.item() + 0.7 * parts.distill.item(), rel=1e-6)


def by_hand(name, z_s, z_t, y, alpha, T, gamma):
    """The textbook's formulas, cell by cell, in Python's own floats."""

    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    task, soft = [], []
    for s, t, truth in zip(*(tensor.flatten().tolist() for tensor in (z_s, z_t, y)), strict=True):
        p, a, b = sigmoid(s), sigmoid(s / T), sigmoid(t / T)
        if not math.isnan(truth):
            focus = gamma if name == "paper" else 0.0
            right = p if truth == 1 else 1 - p
            task.append(-((1 - right) ** focus) * math.log(right))
        if not math.isnan(t):
            kl = b * math.log(b / a) + (1 - b) * math.log((1 - b) / (1 - a))
            soft.append({"paper": T**2 * (a - b) ** 2, "bkd": T**2 * kl, "logits": (s - t) ** 2}[name])
    mean = [sum(cells) / len(cells) if cells else 0.0 for cells in (task, soft)]
    return alpha * mean[0] + (1 - alpha) * mean[1]


CELLS = {
    "as they are": lambda y, z_t: None,
    "no label known": lambda y, z_t: y.fill_(NAN),
    "an image without a label": lambda y, z_t: y[3].fill_(NAN),
    "a label that the teacher does not know": lambda y, z_t: z_t[:, 1].fill_(NAN),
    "a teacher that knows nothing": lambda y, z_t: z_t.fill_(NAN),
}


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_labels_count_where_they_are_known_and_the_teacher_where_it_answers(name, cells, batch):
    """Value and gradient by hand: each term is a mean over its own cells."""
    z_s, z_t, y = batch[0], batch[1].detach().clone(), batch[2].clone()
    CELLS[cells](y, z_t)
    own = {"paper": {"gamma": 1.5, "temperature": 3.0}, "bkd": {"temperature": 3.0}}.get(name, {})
    loss = distilling(name, alpha=0.3, **own)(z_s, z_t, y).total
    told = {"z_t": z_t, "y": y, "alpha": 0.3, "T": 3.0, "gamma": 1.5}
    assert loss.item() == pytest.approx(by_hand(name, z_s.detach().double(), **told), rel=1e-5)
    slope = gradient(loss, z_s)
    for at in range(z_s.numel()):
        step = torch.zeros(z_s.numel(), dtype=torch.double)
        step[at] = 1e-5
        up, down = (by_hand(name, z_s.detach().double() + sign * step.view_as(z_s), **told) for sign in (1, -1))
        assert slope.flatten()[at].item() == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_the_soft_term_alone_teaches_the_student_wherever_the_teacher_answers(name, batch):
    """A published repository compares labels with the teacher there: the student is absent, its gradient zero."""
    z_s, z_t, y = batch
    distilling(name, alpha=0.0)(z_s, z_t, y).total.backward()
    answers = ~torch.isnan(z_t)
    assert z_s.grad[answers].abs().min() > 0
    assert z_s.grad[~answers].abs().max() == 0
    assert z_t.grad is None


@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_an_unlabelled_image_moves_the_distilled_student_and_not_the_one_alone(name, batch):
    z_s, z_t, y = batch[0], batch[1], batch[2].clone()
    y[3] = NAN
    for loss, learns in ((distilling(name), True), (alone(name), False), (PLAIN, False)):
        beside = loss(z_s, z_t, y).total
        assert (gradient(beside, z_s)[3] != 0).all() == learns
        without = loss(z_s[:3], z_t[:3], y[:3]).total
        assert (beside.item() == pytest.approx(without.item(), rel=1e-6)) != learns


@pytest.mark.parametrize("name", NAMES)
def test_an_objective_still_learns_the_labels_that_the_teacher_does_not_know(name, batch):
    z_s, z_t, y = batch[0], batch[1].detach().clone(), batch[2]
    z_t[:, 0] = NAN
    slope = gradient(distilling(name)(z_s, z_t, y).total, z_s)
    assert torch.isfinite(slope).all()
    assert (slope[:, 0] != 0).all()
    assert slope[1, 1] == 0, "neither label nor answer"


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("name", [*NAMES, "third"])
def test_without_weight_on_the_teacher_an_objective_is_its_control(name, gamma, batch, third):
    """The control differs from the distilled student by the teacher and by nothing else."""
    z_s, z_t, y = batch
    whole, control_ = (make(name, alpha=1.0, gamma=gamma)(z_s, z_t, y) for make in (distilling, alone))
    assert whole.total.item() == control_.total.item()
    assert whole.task.item() == control_.task.item()
    assert torch.equal(gradient(whole.total, z_s), gradient(control_.total, z_s))


def test_controls_are_the_label_terms_of_their_objectives(batch):
    z_s, _, y = batch
    assert alone("paper", gamma=1.5, alpha=0.1)(z_s, None, y).total.item() == focal_bce(z_s, y, 1.5).item()
    assert alone("bkd", alpha=0.1)(z_s, None, y).total.item() == bce(z_s, y).item()


@pytest.mark.parametrize("name", NAMES)
def test_labels_alone_do_not_see_the_teacher(name, batch):
    z_s, z_t, y = batch
    loss = distilling(name, alpha=1.0)
    assert torch.equal(loss(z_s, z_t, y).total, loss(z_s, -z_t, y).total)


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(OBJECTIVES[name].term, TemperedTerm)])
def test_temperature_is_used(name, batch):
    values = [distilling(name, temperature=T)(*batch).total.item() for T in (1.0, 4.0)]
    assert values[0] != pytest.approx(values[1], rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_teacher_is_said(name, batch):
    with pytest.raises(ConfigError, match="teacher"):
        distilling(name)(batch[0], None, batch[2])


@pytest.mark.parametrize("loss", [PLAIN, *(alone(name) for name in NAMES)])
def test_learning_from_labels_needs_no_teacher_and_ignores_one(loss, batch):
    z_s, z_t, y = batch
    without, beside = loss(z_s, None, y), loss(z_s, z_t, y)
    assert without.total.item() == beside.total.item() == without.task.item()
    assert without.distill.item() == 0
    assert without.parts == {"task": without.task}


def test_teachers_learn_by_plain_cross_entropy(batch):
    z_s, _, y = batch
    known = ~torch.isnan(y)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(z_s[known], y[known])
    assert PLAIN(z_s, None, y).total.item() == pytest.approx(plain.item(), rel=1e-6)


def test_a_taken_name_an_unknown_name_and_an_unknown_need_are_refused(third):
    with pytest.raises(ConfigError, match="third"):
        OBJECTIVES.register(THIRD)
    with pytest.raises(ConfigError, match=r"Unknown objective 'kl': expected one of paper, bkd"):
        ObjectiveConfig.named("kl")
    with pytest.raises(ConfigError, match="third needs blood: expected some of maps, embeddings, stages"):
        Objective(**{**vars(THIRD), "needs": ("blood",)})


def test_terms_add_up_with_their_weights(batch):
    z_s, z_t, y = batch
    also = [{"name": "paper", "weight": 3.0, "temperature": 5.0}]
    value = distilling("bkd", alpha=0.2, weight=0.5, also=also)(z_s, z_t, y)
    kl, squared = binary_kl(z_s, z_t, 2.0), paper_mse(z_s, z_t, 5.0)
    assert value.distill.item() == pytest.approx(0.5 * kl.item() + 3 * squared.item(), rel=1e-6)
    assert value.total.item() == pytest.approx(0.2 * value.task.item() + 0.8 * value.distill.item(), rel=1e-6)
    assert value.parts == {"task": bce(z_s, y), "bkd": kl, "paper": squared}
    assert alone("bkd", also=also)(z_s, None, y).total == bce(z_s, y), "its control has none of them"


def test_a_term_grows_to_its_weight(batch):
    warm = distilling("bkd", alpha=0.0, also=[{"name": "paper", "weight": 2.0, "warm_up": 0.25}])
    kl, squared = (distilling(name, alpha=0.0)(*batch).total.item() for name in ("bkd", "paper"))
    shares = {0.0: 0.0, 0.125: 0.5, 0.25: 1.0, 0.9: 1.0}
    for progress, share in shares.items():
        value = warm(*batch, progress)
        assert value.total.item() == pytest.approx(kl + share * 2 * squared, rel=1e-6)
        assert value.parts["paper"].item() == pytest.approx(squared, rel=1e-6), "parts are told unweighted"


def test_several_numbers_of_one_term_are_told_by_name(batch):
    def two(student, teacher, targets):
        return {"near": student.logits.mean(), "far": student.logits.square().mean()}

    z_s, z_t, y = batch
    value = on_logits(Loss(bce, 0.5, [Term("led", two)]))(z_s, z_t, y)
    assert set(value.parts) == {"task", "led.near", "led.far"}
    assert value.distill.item() == pytest.approx((z_s.mean() + z_s.square().mean()).item(), rel=1e-6)


def test_an_objective_is_there_once():
    with pytest.raises(ValidationError, match="an objective can be there once, got bkd, bkd"):
        ObjectiveConfig.named("bkd", also=[{"name": "bkd"}])


def test_the_settings_of_no_objective_are_refused():
    with pytest.raises(ValidationError, match=r"ObjectiveConfig.named\('bkd', \.\.\.\)"):
        ObjectiveConfig(name="bkd", alpha=0.3)


def test_what_a_file_of_an_older_version_says_means_the_same():
    """Every setting stood in every file, whether or not the objective had it."""
    flat = {"alpha": 0.3, "temperature": 3.0, "gamma": 1.5, "view": "same"}
    for name, own in (("paper", {"gamma": 1.5}), ("bkd", {})):
        old = RunConfig.recorded({"name": "x", "objective": {"name": name, **flat}}).objective
        assert old == ObjectiveConfig.named(name, alpha=0.3, temperature=3.0, view="same", **own)
        assert (old.weight, old.warm_up, old.also) == (1.0, 0.0, ())
    for typo in ({"name": "bkd", "tempreature": 2}, {"name": "cam", "temperature": 2.0}):
        with pytest.raises(ValidationError):
            RunConfig.recorded({"name": "x", "objective": typo})


def test_what_an_objective_cannot_see_is_said():
    with pytest.raises(ConfigError, match="cam looks at the teacher's label maps: expected the teacher itself"):
        objective(ObjectiveConfig.named("cam"), STUDENT)


@pytest.mark.parametrize("name", [name for name, entry in OBJECTIVES.items() if "stages" in entry.needs])
def test_a_network_without_stages_is_refused_by_name(name):
    with pytest.raises(ConfigError, match="bare declares no stages to take hints from: choose another network"):
        objective(ObjectiveConfig.named(name), STUDENT, STUDENT)
