"""What a validation measured, on what, and who answered: `facts.json` of its job, written once all of it is there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cxrkd.config.strict import Strict

VERSION = 1
Count = Annotated[int, Field(ge=0)]


class Facts(Strict):
    """What is known of a validation besides its figures."""

    data: str = Field(min_length=1, description="what the set calls itself")
    run: str = Field(min_length=1, description="the run's name when it was measured")
    synthetic: bool = Field(description="phantoms")
    n_films: Count
    n_patients: Count
    findings: tuple[str, ...] = Field(min_length=1, description="of both, as the run calls them")
    unknown: tuple[str, ...] = Field(description="findings of the run that the set says nothing of")
    left_out_findings: tuple[str, ...] = Field(description="findings of the set that the run does not answer")
    answered_by: Literal["kept", "networks"] = Field(
        description="kept: the answers that the run keeps on its own test films, of all seeds; networks: its first seed"
    )
    overlap_checked: bool = Field(description="whether it is known which films the run was trained on")
    left_out_films: Count = Field(description="of patients that the run was trained on")
    left_out_patients: Count
    notes: tuple[str, ...] = Field(description="sentences that belong beside every figure")
    fingerprint: str = Field(min_length=1, description="of weights, predictions, films seen, and the set")
