"""What a training minimises, made of an objective's parts.

    total = alpha * task + (1 - alpha) * distill,      distill = sum over terms of weight * ramp * term

`task` is learned from labels, and from marked lesions where the training says so; each term from the teacher. The
student alone has `task` as it stands: so the two students of a run differ by the teacher and by nothing else, for every
objective, and with `alpha = 1` they are trained alike. The loss of a teacher that learns along comes on top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from cxrkd.config.objective import NEEDS, OBJECTIVES, ObjectiveConfig, ObjectiveTerm
from cxrkd.distill.bce import bce
from cxrkd.distill.facts import UNKNOWN, Facts
from cxrkd.distill.labels import Task, label_loss
from cxrkd.distill.lesions import outside_lesion
from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views

FromTeacher = Callable[[Views, Views, Tensor], Tensor | Mapping[str, Tensor]]
"""`(student, teacher, targets)` -> 0-dimensional float32, or several of them by name."""


@dataclass(frozen=True)
class LossBreakdown:
    """A loss and its parts, each a 0-dimensional float32 tensor.

    Attributes:
        total: what is minimised; the only part that carries a gradient.
        task: the unweighted loss against the labels, with that against marked lesions where they count; 0 where no
            label of the batch is known.
        distill: the loss against the teacher, terms with their weights; 0 without one, or where it knows nothing.
        parts: unweighted, by name: "task", "lesions" where they count, then one for each term ("bkd"), or several
            ("led.class", "led.instance"); the loss of a teacher that learns along is no part of `distill`.
    """

    total: Tensor
    task: Tensor
    distill: Tensor
    parts: Mapping[str, Tensor]


@dataclass(frozen=True)
class LabelHints:
    """What labels leave open, said by whoever knows where they come from.

    Attributes:
        absent: target of a finding that is labelled absent. Labels mined from reports leave out what was not worth a
            word, so that absent means improbable rather than impossible; as label smoothing of one side.
        lesions: weight of marked lesions within what is learned from labels.
        smoothing: share of every target that one half takes (Szegedy et al., CVPR 2016, arXiv 1512.00567), for two
            classes a label.
    """

    absent: float = 0.0
    lesions: float = 0.0
    smoothing: float = 0.0

    def softened(self, targets: Tensor) -> Tensor:
        """Targets (B, K) with `absent` in place of less, then smoothed; NaN stays NaN.

        >>> LabelHints(absent=0.1).softened(torch.tensor([0.0, 1.0, float("nan")]))
        tensor([0.1000, 1.0000,    nan])
        >>> LabelHints(smoothing=0.2).softened(torch.tensor([0.0, 1.0, float("nan")]))
        tensor([0.1000, 0.9000,    nan])
        """
        targets = targets.clamp(min=self.absent) if self.absent else targets
        return targets + self.smoothing * (0.5 - targets) if self.smoothing else targets


class StatefulObjective(nn.Module):
    """An objective that owns something: parameters, such as a projection, or state, such as an average of checkpoints.

    Its parameters are optimised with the student's. Everything in its `state_dict` is saved and resumed with the
    training. What shall not be optimised has `requires_grad` off, or is a buffer. Neither student nor teacher may be an
    attribute: it would be optimised and saved a second time.

    Attributes:
        own: part that is the loss of a network of its own, optimised apart: a teacher that learns along.
        rate: that network's learning rate, as a share of the student's.
    """

    own: str | None = None
    rate: float = 1.0

    def after_step(self, student: Classifier) -> None:
        """Called after every step of the optimiser."""

    def after_epoch(self, student: Classifier, val_auroc: float) -> None:
        """Called after every epoch, with the macro AUROC that the student has on validation; NaN where undefined."""


class Term(nn.Module):
    """One thing learned from the teacher, with its weight.

    Args:
        name: of its parts.
        loss: what it is.
        weight: of the term.
        warm_up: share of the steps in which it grows to that weight.
    """

    def __init__(self, name: str, loss: FromTeacher, weight: float = 1.0, warm_up: float = 0.0) -> None:
        super().__init__()
        self.name, self.loss, self.weight, self.warm_up = name, loss, weight, warm_up
        self.own = f"{name}.{loss.own}" if isinstance(loss, StatefulObjective) and loss.own else None

    def forward(self, student: Views, teacher: Views, targets: Tensor) -> dict[str, Tensor]:
        """Its parts by name, unweighted."""
        value = self.loss(student, teacher, targets)
        if isinstance(value, Tensor):
            return {self.name: value}
        return {f"{self.name}.{part}": tensor for part, tensor in value.items()}

    def weight_at(self, progress: float) -> float:
        """Its weight when a share `progress` of the steps is done.

        >>> [Term("a", max, weight=2.0, warm_up=0.5).weight_at(progress) for progress in (0, 0.25, 0.5, 1)]
        [0.0, 1.0, 2.0, 2.0]
        """
        return self.weight * (min(1.0, progress / self.warm_up) if self.warm_up else 1.0)


class Loss(nn.Module):
    """A loss of a training: a module, because what some objectives own is saved with it; most own nothing.

    Args:
        task: what is learned from labels.
        alpha: its weight; the terms have the rest.
        terms: what is learned from the teacher; none for whoever learns from labels alone.
        needs: what both networks are asked for besides logits.
        hints: what labels leave open; nothing by default.
        shuffled: whether whoever trains is to give every image the teacher's answer to another one.
        temperatures: of the teacher, for terms that soften label by label; empty where nobody fitted any.
    """

    def __init__(
        self,
        task: Task,
        alpha: float = 1.0,
        terms: Sequence[Term] = (),
        needs: frozenset[str] = frozenset(),
        hints: LabelHints = LabelHints(),
        shuffled: bool = False,
        temperatures: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.temperatures: Tensor | None
        fitted = torch.tensor(temperatures) if temperatures else None
        self.register_buffer("temperatures", fitted, persistent=False)  # of the run, not of what is learned
        self.task, self.alpha, self.needs, self.hints, self.shuffled = task, alpha, needs, hints, shuffled
        self.terms = nn.ModuleDict({term.name: term for term in terms})

    def forward(
        self,
        student: Views,
        teacher: Views | None,
        targets: Tensor,
        progress: float = 1.0,
        covered: Tensor | None = None,
    ) -> LossBreakdown:
        """The loss of a batch. Without terms a teacher is accepted and ignored, so that it fits where losses do.

        Args:
            student: what it says, with its graph.
            teacher: what it says; gets no gradient.
            targets: (B, K), NaN where unknown.
            progress: share of the training's steps that is done.
            covered: float (M, H, W), where the lesions lie whose maps `student.marked` are; see `outside_lesion`.

        Raises:
            ConfigError: there are terms and no teacher.
        """
        task, parts = self._from_labels(student, targets, covered)
        if not self.terms:
            return LossBreakdown(task, task.detach(), task.new_zeros(()).detach(), parts)
        known = replace(_present(teacher).detached(), temperatures=self.temperatures)
        distill, own, of_teacher = self._learned(student, known, targets, progress)
        total = self.alpha * task + (1 - self.alpha) * distill + own
        return LossBreakdown(total, task.detach(), distill.detach(), parts | of_teacher)

    def _from_labels(self, student: Views, targets: Tensor, covered: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """What is learned from labels and marks, and its parts as they are."""
        task = self.task(student.logits, self.hints.softened(targets))
        parts = {"task": task.detach()}
        if student.marked is not None and covered is not None:
            lesions = outside_lesion(student.marked, covered)
            # By the share of films that have a mark: a batch with one is not pulled as hard as one with ten.
            task = task + self.hints.lesions * lesions * len(covered) / len(targets)
            parts["lesions"] = lesions.detach()
        return task, parts

    def _learned(
        self, student: Views, teacher: Views, targets: Tensor, progress: float
    ) -> tuple[Tensor, Tensor | float, dict[str, Tensor]]:
        """The terms with their weights as one number, what networks of their own lose, and each part as it is."""
        weighted: list[Tensor] = []
        own: Tensor | float = 0.0
        parts: dict[str, Tensor] = {}
        for term in self._terms():
            each = term(student, teacher, targets)
            parts |= {name: value.detach() for name, value in each.items()}
            own = own + each.pop(term.own, 0.0)
            weighted.append(term.weight_at(progress) * sum(each.values()))
        return torch.stack(weighted).sum(), own, parts

    def after_step(self, student: Classifier) -> None:
        """Let those that keep something look at the student that a step has made."""
        for kept in self._stateful():
            kept.after_step(student)

    def after_epoch(self, student: Classifier, val_auroc: float) -> None:
        """Let them look at the student that an epoch has made."""
        for kept in self._stateful():
            kept.after_epoch(student, val_auroc)

    @property
    def learners(self) -> list[StatefulObjective]:
        """Those that own a network which learns by itself."""
        return [kept for kept in self._stateful() if kept.own]

    @property
    def asks(self) -> bool:
        """Whether a term learns from the run's teacher: the others have one of their own."""
        return len(self.learners) < len(self.terms)

    def _stateful(self) -> list[StatefulObjective]:
        return [term.loss for term in self._terms() if isinstance(term.loss, StatefulObjective)]

    def _terms(self) -> list[Term]:
        return list(self.terms.values())  # type: ignore[arg-type]  # a ModuleDict forgets what it holds


def plain(hints: LabelHints = LabelHints()) -> Loss:
    """The loss of teachers, whatever objective their students have. A student alone has `control` of its objective."""
    return Loss(bce, hints=hints)


def objective(
    config: ObjectiveConfig,
    student: Classifier,
    teacher: Classifier | None = None,
    hints: LabelHints = LabelHints(),
    facts: Facts = UNKNOWN,
) -> Loss:
    """The loss of a distilled student.

    Args:
        config: of the objective that leads and those that go along.
        student: the network to train, for objectives that own something of its shape.
        teacher: None where its answers are cached; as it began where one learns along.
        hints: what labels leave open.
        facts: what is known of the run.

    Raises:
        ConfigError: no objective has that name, one needs to see more than a cached answer, stages that a network does
            not declare, or a fact that is not known.
    """
    _require_seen(config, student, teacher)
    terms = [_term(settings, student, teacher) for settings in config.terms]
    return Loss(
        label_loss(config, facts), config.alpha, terms, config.needs, hints, config.shuffled, facts.temperatures
    )


def control(config: ObjectiveConfig, hints: LabelHints = LabelHints(), facts: Facts = UNKNOWN) -> Loss:
    """The loss of the student alone: the task term of the same objective, as it stands (`alpha = 1`).

    Raises:
        ConfigError: it hangs on a fact that is not known.
    """
    return Loss(label_loss(config, facts), hints=hints)


def _term(settings: ObjectiveTerm, student: Classifier, teacher: Classifier | None) -> Term:
    loss = OBJECTIVES[settings.name].build(settings, student, teacher)
    return Term(settings.name, loss, settings.weight, settings.warm_up)


def _require_seen(config: ObjectiveConfig, student: Classifier, teacher: Classifier | None) -> None:
    """Refuse a teacher that is not there to be looked at, and networks without stages where hints need them."""
    if config.wants and teacher is None:
        wanted = " and ".join(NEEDS[need] for need in sorted(config.wants))
        raise ConfigError(f"{config.name} looks at the teacher's {wanted}: expected the teacher itself, got none.")
    without = [network.arch for network in (student, teacher) if network is not None and not network.stages]
    if "stages" in config.needs and without:
        raise ConfigError(f"{without[0]} declares no stages to take hints from: choose another network or objective.")


def _present(teacher: Views | None) -> Views:
    if teacher is None:
        raise ConfigError("This objective learns from a teacher: expected the teacher's answers, got none.")
    return teacher
