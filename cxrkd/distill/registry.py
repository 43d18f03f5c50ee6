"""The objectives a student can be distilled with. Registering one shows it in every select box and in the tests.

An objective names its two terms, and what is made of them is made here: `alpha * task + (1 - alpha) * distill` for the
distilled student and `task` alone for its control. So the two students of a run differ by the teacher and by nothing
else, for every objective, and with `alpha = 1` they are trained alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.breakdown import Loss, LossBreakdown, Term, labels_only
from cxrkd.errors import ConfigError
from cxrkd.text import shown


@dataclass(frozen=True)
class Objective:
    """One entry of the registry: what it is called, what it does in a sentence, where it comes from, and its terms.

    Attributes:
        task: config -> `(logits_s, targets)`, what is learned from labels; unknown cells (NaN) must not count.
        distill: config -> `(logits_s, logits_t)`, what is learned from the teacher, at every cell that it answers,
            whether or not the label is known; cells without an answer (NaN) must not count.
    """

    name: str
    title: str
    description: str
    reference: str
    task: Callable[[ObjectiveConfig], Term]
    distill: Callable[[ObjectiveConfig], Term]


_OBJECTIVES: dict[str, Objective] = {}


def register(entry: Objective) -> None:
    """Make an objective known under its name.

    Raises:
        ConfigError: the name is taken.
    """
    if entry.name in _OBJECTIVES:
        raise ConfigError(f"an objective called {entry.name!r} exists already; choose another name")
    _OBJECTIVES[entry.name] = entry


def list_objectives() -> tuple[Objective, ...]:
    """Every registered objective, in the order of registration."""
    return tuple(_OBJECTIVES.values())


def objective(config: ObjectiveConfig) -> Loss:
    """The loss of a distilled student: `alpha * task + (1 - alpha) * distill`, each a mean over its own cells.

    Raises:
        ConfigError: no objective has that name; when called, that there are no teacher's logits.
    """
    entry = _entry(config)
    task, distill = entry.task(config), entry.distill(config)

    def loss(logits_s: Tensor, logits_t: Tensor | None, targets: Tensor) -> LossBreakdown:
        hard, soft = task(logits_s, targets), distill(logits_s, _of_teacher(logits_t))
        return LossBreakdown(config.alpha * hard + (1 - config.alpha) * soft, hard.detach(), soft.detach())

    return loss


def control(config: ObjectiveConfig) -> Loss:
    """The loss of the student alone: the task term of the same objective, as it stands (`alpha = 1`).

    Raises:
        ConfigError: no objective has that name.
    """
    return labels_only(_entry(config).task(config))


def _entry(config: ObjectiveConfig) -> Objective:
    if config.name not in _OBJECTIVES:
        raise ConfigError(f"expected an objective among {', '.join(_OBJECTIVES)}, got {shown(config.name)}")
    return _OBJECTIVES[config.name]


def _of_teacher(logits_t: Tensor | None) -> Tensor:
    """The teacher's logits, cut from the graph."""
    if logits_t is None:
        raise ConfigError("this objective learns from a teacher: expected the teacher's logits, got none")
    return logits_t.detach()
