"""The objectives a student can be distilled with. Registering one shows it in every select box and in the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.breakdown import Loss, LossBreakdown
from cxrkd.errors import ConfigError


@dataclass(frozen=True)
class Objective:
    """One entry of the registry: what it is called, what it does in a sentence, where it comes from."""

    name: str
    title: str
    description: str
    reference: str
    build: Callable[[ObjectiveConfig], Loss]


_OBJECTIVES: dict[str, Objective] = {}


def register(
    name: str, *, title: str, description: str, reference: str
) -> Callable[[Callable[[ObjectiveConfig], Loss]], Callable[[ObjectiveConfig], Loss]]:
    """Decorate a function `config -> loss` to make it an objective of that name.

    Raises:
        ConfigError: the name is taken.
    """

    def add(build: Callable[[ObjectiveConfig], Loss]) -> Callable[[ObjectiveConfig], Loss]:
        if name in _OBJECTIVES:
            raise ConfigError(f"an objective called {name!r} exists already; choose another name")
        _OBJECTIVES[name] = Objective(name, title, description, reference, build)
        return build

    return add


def list_objectives() -> tuple[Objective, ...]:
    """Every registered objective, in the order of registration."""
    return tuple(_OBJECTIVES.values())


def objective(config: ObjectiveConfig) -> Loss:
    """The loss that `config` describes.

    Raises:
        ConfigError: no objective has that name.
    """
    if config.name not in _OBJECTIVES:
        raise ConfigError(f"expected an objective among {', '.join(_OBJECTIVES)}, got {config.name!r}")
    return _OBJECTIVES[config.name].build(config)


def blend(alpha: float, task: Tensor, distill: Tensor) -> LossBreakdown:
    """`alpha * task + (1 - alpha) * distill`, and both parts beside it."""
    return LossBreakdown(alpha * task + (1 - alpha) * distill, task.detach(), distill.detach())


def teacher_of(logits_t: Tensor | None) -> Tensor:
    """The teacher's logits, cut from the graph.

    Raises:
        ConfigError: there are none.
    """
    if logits_t is None:
        raise ConfigError("this objective learns from a teacher: expected the teacher's logits, got none")
    return logits_t.detach()
