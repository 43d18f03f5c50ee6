"""What explainers that show altered films say of agreement, and how they measure it.

Lists and help read it, so what needs numpy and scipy is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxrkd.explain.chance import Judged
    from cxrkd.explain.explainer import Maps
    from cxrkd.explain.yardsticks import Baselines

_FOUR = (
    "Grey is not above chance. It reaches to the highest of four lines: the student's map moved elsewhere, the "
    "student's Grad-CAM on other films and its mean, a bump in the middle. "
)
LINES = f"{_FOUR}No ceiling is measured: it would take several times as long as the maps."
LINES_OF_HALVES = f"{_FOUR}Thick tick: two equal models. Each model's map comes from masks that the other did not see."


def judge(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of a student with the teacher on label k; see `altered_agreement`."""
    from cxrkd.explain import altered_agreement

    return altered_agreement.judge(maps, teacher, student, k, lines)
