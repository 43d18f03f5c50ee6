"""What explainers that show altered films say of agreement, and how they measure it.

Lists and help read it, so what needs numpy and scipy is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from pydantic import BaseModel

    from cxrkd.explain.chance import Judged
    from cxrkd.explain.explainer import Maps, Network
    from cxrkd.explain.steps import Steps
    from cxrkd.explain.yardsticks import Baselines

M = TypeVar("M")
_FOUR = (
    "Grey is not above chance. It reaches to the highest of four lines: the student's map moved elsewhere, the "
    "student's Grad-CAM on other films and its mean, a bump in the middle. "
)
LINES = f"{_FOUR}No ceiling is measured: it would take several times as long as the maps."
LINES_OF_HALVES = f"{_FOUR}Thick tick: two equal models. Each model's map comes from masks that the other did not see."


def film_by_film(
    maps_of: Callable[..., M],
    name: str,
    networks: Mapping[str, Network],
    films: np.ndarray,
    settings: BaseModel,
    steps: Steps,
) -> list[M]:
    """Maps of one film after the other, whose steps carry the explainer, its settings and the film in their keys.

    Args:
        maps_of: takes networks, a film (S, S), each of the settings by name, steps and key.
        name: of the explainer.
        networks: by name.
        films: float32 (B, S, S) in [0, 1].
        settings: of the explainer.
        steps: how batches are shown.
    """
    given: dict[str, Any] = settings.model_dump()
    return [maps_of(networks, film, **given, steps=steps, key=(name, settings, i)) for i, film in enumerate(films)]


def judge(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of a student with the teacher on label k; see `altered_agreement`."""
    from cxrkd.explain import altered_agreement

    return altered_agreement.judge(maps, teacher, student, k, lines)
