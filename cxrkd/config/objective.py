"""What a distilled student learns by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cxrkd.config.hints import hints
from cxrkd.config.strict import Strict


class ObjectiveConfig(Strict):
    """The loss of the distilled student; `alpha` weighs the labels, `1 - alpha` the teacher.

    The student alone learns from the label term of the same objective. Teachers learn by plain cross-entropy.
    """

    name: Literal["paper", "bkd"] = Field("paper", title="Objective")
    alpha: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Weight of the labels",
        description="the teacher's is the rest",
        json_schema_extra=hints(step=0.05),
    )
    temperature: float = Field(
        2.0,
        gt=0,
        le=100,
        title="Temperature",
        description="of the teacher's and the student's logits",
        json_schema_extra=hints(step=0.5),
    )
    gamma: float = Field(
        2.0,
        ge=0,
        le=10,
        title="Focal exponent",
        description="paper objective only; 0 is plain BCE",
        json_schema_extra=hints(step=0.5),
    )
    view: Literal["cached", "same"] = Field(
        "cached",
        title="View that the teacher answers",
        description="cached: each image once, as it is; same: the very view that the student sees, at every step, as "
        "augmentation and mixup need",
    )
