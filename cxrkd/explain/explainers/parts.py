"""Sum of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from cxrkd.config.strict import Strict
from cxrkd.explain.altered_explainer import LINES, film_by_film, judge
from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Fit, Network
from cxrkd.explain.lime_settings import Fill
from cxrkd.explain.steps import Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.parts import PartsMaps

PARTS = "parts"


class PartsSettings(Strict):
    """How many parts a film falls into, what they are made of, and what is seen in place of a hidden one."""

    n_parts: int = Field(
        8,
        ge=2,
        le=12,
        title="Parts",
        description="of each network; one more doubles what it is shown",
        json_schema_extra={"flag": "--parts"},
    )
    n_segments: int = Field(
        60,
        ge=2,
        le=10_000,
        title="Superpixels",
        description="about how many",
        json_schema_extra={"flag": "--segments"},
    )
    fill: Fill = Field("blur", title="Fill", description="what a hidden part shows")


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: PartsSettings, steps: Steps
) -> list[PartsMaps]:
    """The same superpixels for all networks; each makes parts of its own."""
    from cxrkd.explain.parts import sum_of_parts

    return film_by_film(sum_of_parts, PARTS, networks, films, settings, steps)


EXPLAINERS.register(
    Explainer(
        name=PARTS,
        title="Sum of parts",
        sentence="Parts of the film whose scores add up to the label's logit: eight, formed by what each model does "
        "with them. The map shows scores per area.",
        source="after You et al., ICML 2025, arXiv 2310.16316; scores are Shapley values",
        needs=(ANSWERS,),
        config=PartsSettings,
        explain=explain,
        judge=judge,
        repeats=False,
        reference="gradcam",  # parts of many films would take hours
        unit="logit per share of the film",
        lines=LINES,
        fit=Fit("additivity", "adds up", "R2 of the best sum of parts over all combinations of parts"),
        n_images=lambda settings: 2 * int(settings.n_segments) + 2 ** int(settings.n_parts) + 3,
    )
)
