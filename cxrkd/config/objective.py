"""What a distilled student learns by.

An objective is one file in `cxrkd/distill/objectives`. It registers what it takes from the teacher (a `Term` of a loss)
and what it is where it leads: the same settings beside those of the labels' side, which every objective has. Others may
go along with it (`also`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from cxrkd.config.hints import hints
from cxrkd.config.strict import Strict
from cxrkd.errors import ConfigError
from cxrkd.registry import Entry, Registry

WEIGHTS = "weights"
"""Of the teacher: an objective that trains a teacher of its own takes over what the run's starts from."""
NEEDS: dict[str, str] = {"maps": "label maps", "embeddings": "embeddings", "stages": "feature maps", WEIGHTS: "weights"}
"""What an objective may look at besides logits, and what people call it."""


Balance = Literal["none", "weighted", "focal", "asymmetric"]
OF_BALANCE: dict[Balance, tuple[str, ...]] = {
    "none": (),
    "weighted": (),
    "focal": ("gamma",),
    "asymmetric": ("gamma_positive", "gamma_negative", "clip"),
}
"""The settings that each of them looks at."""
BALANCED = (
    "how labels of which few are positive are learned, by both students; none: plainly; weighted: present findings by "
    "how rare they are, up to tenfold; focal: what is answered wrongly more than the rest, as paper does where nothing "
    "is said; asymmetric: that for absent findings more than for present ones"
)


class ObjectiveTerm(Strict):
    """What an objective takes from the teacher; each adds its own settings."""

    name: str = Field(title="Objective")
    weight: float = Field(
        1.0,
        ge=0,
        le=10_000,
        title="Weight of the term",
        description="within what is learned from the teacher",
        json_schema_extra=hints(flag="--objective-weight"),
    )
    warm_up: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Warm-up",
        description="share of the steps in which the term grows to its weight",
        json_schema_extra=hints(step=0.05),
    )


class TemperedTerm(ObjectiveTerm):
    """What is taken from the teacher's answers, softened."""

    temperature: float = Field(
        2.0,
        gt=0,
        le=100,
        title="Temperature",
        description="of the teacher's and the student's logits",
        json_schema_extra=hints(step=0.5),
    )


class ObjectiveConfig(ObjectiveTerm):
    """The loss of the distilled student; `alpha` weighs the labels, `1 - alpha` the teacher.

    The student alone learns from the label term of the same objective. Teachers learn by plain cross-entropy.

    Attributes:
        retired: settings that files of versions before `balance` name, though they did nothing here then; they are
            passed over.
    """

    retired: ClassVar[frozenset[str]] = frozenset()

    balance: Balance = Field(
        "none",
        title="Imbalance of the labels",
        description=BALANCED,
    )
    gamma: float = Field(
        2.0,
        ge=0,
        le=10,
        title="Focal exponent",
        description="of focal; 0 is plain BCE",
        json_schema_extra=hints(step=0.5),
    )
    gamma_positive: float = Field(
        0.0,
        ge=0,
        le=10,
        title="Exponent of present findings",
        description="of asymmetric",
        json_schema_extra=hints(step=0.5),
    )
    gamma_negative: float = Field(
        4.0,
        ge=0,
        le=10,
        title="Exponent of absent findings",
        description="of asymmetric",
        json_schema_extra=hints(step=0.5),
    )
    clip: float = Field(
        0.05,
        ge=0,
        lt=1,
        title="Probability let off",
        description="of asymmetric: a finding that is absent and answered below this is done with",
        json_schema_extra=hints(step=0.05),
    )
    alpha: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Weight of the labels",
        description="the teacher's is the rest",
        json_schema_extra=hints(step=0.05),
    )
    view: Literal["cached", "same"] = Field(
        "cached",
        title="View that the teacher answers",
        description="cached: each image once, as it is; same: the very view that the student sees, at every step, as "
        "augmentation and mixup need, and objectives that look at more than logits",
    )
    shuffled: bool = Field(
        False,
        title="Shuffle the teacher's answers",
        description="a control: every image is taught by the answer to another one of its batch, so that what remains "
        "of a gain is not knowledge",
    )
    also: tuple[AnyTerm, ...] = Field(
        (),
        title="Together with",
        description="further objectives whose terms are added to this one's",
        json_schema_extra=hints(names="variants"),
    )

    @classmethod
    def named(cls, name: str, **settings: Any) -> ObjectiveConfig:
        """The settings of an objective.

        Raises:
            ConfigError: there is no such objective.
            ValidationError: it has no such setting, or not this value of it.
        """
        return OBJECTIVES[name].config(name=name, **settings)

    @property
    def terms(self) -> tuple[ObjectiveTerm, ...]:
        """What is taken from the teacher: its own term, then those that go along."""
        return (self, *self.also)

    @property
    def label_side(self) -> dict[str, Any]:
        """What decides how labels are learned; two objectives of the same have the same student alone."""
        return {key: getattr(self, key) for key in ("balance", *OF_BALANCE[self.balance])}

    @property
    def wants(self) -> frozenset[str]:
        """What its terms look at besides logits."""
        return frozenset(need for term in self.terms for need in OBJECTIVES[term.name].needs)

    @property
    def needs(self) -> frozenset[str]:
        """What both networks are asked for besides logits."""
        return self.wants - {WEIGHTS}

    @property
    def trains_teacher(self) -> bool:
        """Whether a teacher learns along with the student."""
        return WEIGHTS in self.wants

    @property
    def asks(self) -> bool:
        """Whether the run's own teacher is asked about what the student sees: a term has no other one."""
        return any(WEIGHTS not in OBJECTIVES[term.name].needs for term in self.terms)

    @property
    def unanswered(self) -> str | None:
        """Why the teacher cannot answer as it is asked to; None where it can."""
        if self.view == "same" or not self.wants:
            return None
        names = " and ".join(term.name for term in self.terms if OBJECTIVES[term.name].needs)
        wanted = " and ".join(NEEDS[need] for need in sorted(self.wants))
        return f"cached answers hold logits, not the {wanted} needed by {names}"

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        if type(self) is ObjectiveConfig:
            raise ValueError(f"expected the settings of one objective: ObjectiveConfig.named({self.name!r}, ...)")
        return self

    @model_validator(mode="after")
    def _terms_differ(self) -> Self:
        names = [term.name for term in self.terms]
        if len(set(names)) != len(names):
            raise ValueError(f"an objective can be there once, got {', '.join(names)}")
        return self


class LookingConfig(ObjectiveConfig):
    """Of an objective that looks at more than logits, which no cache holds."""

    view: Literal["cached", "same"] = Field(
        "same",
        title=ObjectiveConfig.model_fields["view"].title,
        description=ObjectiveConfig.model_fields["view"].description,
    )


@dataclass(frozen=True, kw_only=True)
class Objective(Entry):
    """One way to learn from a teacher.

    Attributes:
        needs: what it looks at besides logits, of `NEEDS`; nothing else is computed. One that needs "weights" has a
            teacher of its own and does not ask the run's: the teacher that it is built with is that one as it began.
        term: class of the settings of what it takes from the teacher.
        config: class of its settings where it leads: an `ObjectiveConfig` with those of `term`.
        build: (settings of the term, student, teacher or None) -> `(student, teacher, targets)`, two `Views` and the
            labels, to what is learned from the teacher: a 0-dimensional tensor, or several by name, whose sum counts.
            Cells that the teacher does not answer (NaN) must not count. Whatever owns parameters or state is a
            `cxrkd.distill.loss.StatefulObjective`; the others are functions. The teacher is None where its answers are
            cached.
    """

    term: type[ObjectiveTerm]
    config: type[ObjectiveConfig]
    build: Callable[[Any, Any, Any], Callable[..., Any]]

    def __post_init__(self) -> None:
        """Refuse a need that no network is asked for."""
        if not set(self.needs) <= set(NEEDS):
            raise ConfigError(f"{self.name} needs {', '.join(self.needs)}: expected some of {', '.join(NEEDS)}.")


def _without_retired(values: Any) -> Any:
    """The settings of an objective as a file has them, without those that are retired; a newer file has none."""
    name = values.get("name") if isinstance(values, dict) else None
    if not isinstance(name, str) or name not in OBJECTIVES or "balance" in values:
        return values
    return {key: value for key, value in values.items() if key not in OBJECTIVES[name].config.retired}


OBJECTIVES: Registry[Objective] = Registry("objective", "cxrkd.distill.objectives", first=("paper", "bkd"))
AnyTerm = Annotated[SerializeAsAny[ObjectiveTerm], OBJECTIVES.config_field("name", "", "term")]
AnyObjective = Annotated[
    SerializeAsAny[ObjectiveConfig], OBJECTIVES.config_field("name", "paper"), BeforeValidator(_without_retired)
]
ObjectiveConfig.model_rebuild()
LookingConfig.model_rebuild()
