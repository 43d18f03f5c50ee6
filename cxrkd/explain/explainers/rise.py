"""RISE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from cxrkd.config.strict import Strict
from cxrkd.explain.altered_explainer import LINES_OF_HALVES, film_by_film, judge
from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Fit, Network
from cxrkd.explain.lime_settings import MIN_SAMPLES, Fill
from cxrkd.explain.steps import Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.altered import AlteredMaps

RISE = "rise"


class RiseSettings(Strict):
    """How many masks, how coarse, and what is seen in place of what they hide."""

    n_masks: int = Field(
        600,
        ge=MIN_SAMPLES,
        le=100_000,
        title="Masks",
        description="masked films shown to each network",
        json_schema_extra={"flag": "--masks"},
    )
    n_coins: int = Field(
        7,
        ge=2,
        le=32,
        title="Cells of a mask",
        description="along a side of the film",
        json_schema_extra={"flag": "--mask-cells"},
    )
    fill: Fill = Field("blur", title="Fill", description="what is seen where a mask hides")
    seed: int = Field(0, ge=0, title="Seed", description="of the masks")


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: RiseSettings, steps: Steps
) -> list[AlteredMaps]:
    """The same masks for all networks and films."""
    from cxrkd.explain.rise import rise

    return film_by_film(rise, RISE, networks, films, settings, steps)


EXPLAINERS.register(
    Explainer(
        name=RISE,
        title="RISE",
        sentence="How much the label's logit rises with what is seen of a place: 600 random masks, the same for every "
        "model.",
        source="Petsiuk et al., BMVC 2018, arXiv 1806.07421",
        needs=(ANSWERS,),
        config=RiseSettings,
        explain=explain,
        judge=judge,
        repeats=False,
        reference="gradcam",  # RISE of many films would take hours
        unit="change of the logit",
        lines=LINES_OF_HALVES,
        fit=Fit("stability", "repeats", "Rank correlation of the maps from two halves of the masks"),
        n_images=lambda settings: int(settings.n_masks) + 1,
    )
)
