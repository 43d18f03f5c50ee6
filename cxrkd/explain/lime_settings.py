"""What can be set of LIME."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from cxrkd.config.strict import Strict

Fill = Literal["blur", "mean", "black"]
FILLS: tuple[Fill, ...] = get_args(Fill)
MIN_SAMPLES = 16
MOST = 1_000
STABLE = 0.9


class LimeSettings(Strict):
    """What is hidden of a film, until when, and what is seen in its place."""

    stability: float = Field(
        STABLE,
        gt=0,
        lt=1,
        title="Stability",
        description="rank correlation with the weights from other masks at which it is enough",
    )
    n_samples: int = Field(
        MOST,
        ge=MIN_SAMPLES,
        le=100_000,
        title="Altered films",
        description="images shown to each network at most",
        json_schema_extra={"flag": "--samples"},
    )
    n_segments: int = Field(
        40,
        ge=2,
        le=1_000,
        title="Superpixels",
        description="about how many",
        json_schema_extra={"flag": "--segments"},
    )
    fill: Fill = Field("blur", title="Fill", description="what a hidden superpixel shows")
    seed: int = Field(0, ge=0, title="Seed", description="of the masks")
