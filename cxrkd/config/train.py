"""How one network is trained."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cxrkd.config.hints import hints
from cxrkd.config.strict import Strict


class TrainConfig(Strict):
    """How one network is trained.

    `warm_epochs` climb from `warm_size` pixels towards the full size, `epochs` follow at the full size (progressive
    resizing: an epoch at 64 px costs a twelfth of one at 224, and what is learned there carries over). The defaults are
    what trained the shipped student (docs/experiments.md).
    """

    epochs: int = Field(4, ge=1, le=1000, title="Epochs at full size")
    warm_epochs: int = Field(8, ge=0, le=1000, title="Epochs that grow to full size")
    warm_size: int = Field(
        64, ge=32, le=1024, title="Size they start at, pixels", json_schema_extra=hints(step=32, both=True)
    )
    batch_size: int = Field(32, ge=1, le=4096, title="Batch size", json_schema_extra=hints(step=8, both=True))
    learning_rate: float = Field(
        1.5e-3,
        gt=0,
        le=1,
        title="Learning rate",
        description="peak of a one-cycle schedule",
        json_schema_extra=hints(step=1e-4),
    )
    weight_decay: float = Field(0.01, ge=0, le=1, title="Weight decay", json_schema_extra=hints(step=0.005, both=True))
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true", title="Precision", json_schema_extra=hints(both=True)
    )
    augment: bool = Field(
        False,
        title="Shift, turn, zoom and tone jitter",
        description="augmentation; of students only with {objective.view} set to same",
        json_schema_extra=hints(both=True),
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=10,
        title="Mixup",
        description="parameter of the Beta distribution that mixes pairs, 0 mixes none; of students only with "
        "{objective.view} set to same",
        json_schema_extra=hints(step=0.1, both=True),
    )

    degrade: bool = Field(
        False,
        title="Random sharpness, noise and compression",
        description="each film blurred, resampled, grained and compressed at random, so that how sharp it is says "
        "nothing; of students only with {objective.view} set to same",
        json_schema_extra=hints(both=True),
    )
    lesions: float = Field(
        0.0,
        ge=0,
        le=100,
        title="Weight of lesion boxes",
        description="maps of a finding are pulled into where it was marked; 0 leaves marks alone",
        json_schema_extra=hints(step=0.1, both=True),
    )
    absent: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        title="Target of absent findings",
        description="above 0 where a finding that the labels do not name may be there all the same",
        json_schema_extra=hints(step=0.05, both=True),
    )
    smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Label smoothing",
        description="share of every label that one half takes; a control, it smooths without knowing anything",
        json_schema_extra=hints(step=0.05, both=True),
    )
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Average of weights",
        description="what is kept is a moving average of the weights, of which each step leaves this share, such as "
        "0.999; validation while training is of the weights as they are; 0 keeps the last weights",
        json_schema_extra=hints(step=0.001, both=True),
    )

    @property
    def changes(self) -> tuple[str, ...]:
        """What makes the training images other than they come: of `augment`, `degrade`, `mixup`."""
        ways = (("augment", self.augment), ("degrade", self.degrade), ("mixup", self.mixup > 0))
        return tuple(name for name, on in ways if on)

    @model_validator(mode="after")
    def _marks_are_of_one_film(self) -> Self:
        if self.lesions and self.mixup:
            raise ValueError(
                "mixup mixes two films, whose lesions would lie over each other: set mixup or lesions to 0"
            )
        return self
