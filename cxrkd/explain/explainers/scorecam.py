"""Score-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.strict import Strict
from cxrkd.explain.altered_explainer import LINES, film_by_film, judge
from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, FEATURES, Explainer, Network
from cxrkd.explain.steps import Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.altered import AlteredMaps

SCORECAM = "scorecam"


class ScoreCamSettings(Strict):
    """How many channels are shown to the network, and how each counts."""

    n_channels: int = Field(
        256,
        ge=2,
        le=100_000,
        title="Channels",
        description="of the features, those that vary most over the film",
        json_schema_extra={"flag": "--channels"},
    )
    weights: Literal["centred", "softmax"] = Field(
        "centred",
        title="Weights",
        description="a channel counts by its logit less their mean, or by their softmax as published",
    )


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: ScoreCamSettings, steps: Steps
) -> list[AlteredMaps]:
    """Film by film; a network is shown its own channels."""
    from cxrkd.explain.scorecam import scorecam

    return film_by_film(scorecam, SCORECAM, networks, films, settings, steps)


EXPLAINERS.register(
    Explainer(
        name=SCORECAM,
        title="Score-CAM",
        sentence="Channels of the features weighted by the label's logit when a channel alone shows the film: the 256 "
        "that vary most.",
        source="Wang et al., CVPRW 2020, arXiv 1910.01279",
        needs=(FEATURES, ANSWERS),
        config=ScoreCamSettings,
        explain=explain,
        judge=judge,
        repeats=False,
        reference="gradcam",  # Score-CAM of many films would take hours
        lines=LINES,
        n_images=lambda settings: int(settings.n_channels) + 1,
    )
)
