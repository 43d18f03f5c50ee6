"""Occlusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from cxrkd.config.strict import Strict
from cxrkd.explain.altered_explainer import LINES, film_by_film, judge
from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Network
from cxrkd.explain.lime_settings import Fill
from cxrkd.explain.steps import Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.altered import AlteredMaps

OCCLUSION = "occlusion"


class OcclusionSettings(Strict):
    """How large the patch is, how far it goes from one position to the next, and what is seen under it."""

    n_cells: int = Field(
        14,
        ge=4,
        le=56,
        title="Cells",
        description="along a side of the film; the patch goes from cell to cell",
        json_schema_extra={"flag": "--cells"},
    )
    patch: int = Field(2, ge=1, le=4, title="Patch", description="cells along a side of what is hidden")
    fill: Fill = Field("blur", title="Fill", description="what is seen under the patch")


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: OcclusionSettings, steps: Steps
) -> list[AlteredMaps]:
    """The same patches for all networks and films."""
    from cxrkd.explain.occlusion import occlusion

    return film_by_film(occlusion, OCCLUSION, networks, films, settings, steps)


EXPLAINERS.register(
    Explainer(
        name=OCCLUSION,
        title="Occlusion",
        sentence="What the label's logit loses when a patch of the film is blurred: 169 places of the patch.",
        source="Zeiler & Fergus, ECCV 2014, arXiv 1311.2901",
        needs=(ANSWERS,),
        config=OcclusionSettings,
        explain=explain,
        judge=judge,
        repeats=False,
        reference="gradcam",  # occlusion of many films would take hours
        unit="loss of the logit",
        lines=LINES,
        n_images=lambda settings: (int(settings.n_cells) - int(settings.patch) + 1) ** 2 + 1,
    )
)
