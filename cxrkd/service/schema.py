"""What the service says, as the pages of integrators' tools read it (OpenAPI)."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Gate(BaseModel):
    """Whether a file looks like a frontal chest radiograph, upright and with its tones the right way round."""

    passed: bool
    kind: str = Field(description='"chest" where it passed')
    reason: str = Field(description="one sentence; empty where it passed")
    score: float = Field(description="probability of a chest film as the gate sees it, 0 to 1")


class MemberAnswer(BaseModel):
    """What one network says about one film."""

    engine: str = Field(description="which engine computed it")
    latency_ms: float | None = Field(description="milliseconds of one film, as measured when the service started")
    verdict: str = Field(description="what it calls, in words, of what it can call")
    judged: list[str] = Field(description="labels that it can call or not: those with a threshold")
    probs: dict[str, float | None] = Field(description="label -> probability; null for one that it was never taught")
    thresholds: dict[str, float | None] = Field(description="label -> its own operating point; null where it has none")
    positive: list[str] = Field(description="labels whose probability reaches the threshold")


class FilmAnswer(BaseModel):
    """What every network says about one film. Nothing of the file is kept but what stands here."""

    name: str = Field(description="the first digits of the hash: the service is told no name")
    sha256: str = Field(description="of shape and pixels; equal pictures have equal hashes, whatever file they came in")
    notes: list[str] = Field(description="what the reader did to the stored values")
    gate: Gate | None
    warning: str = Field(description="what has to be said beside the answer; empty where nothing has")
    members: dict[str, MemberAnswer] = Field(description="teacher and student")


class Standing(BaseModel):
    """How far one network can be relied on for one label."""

    auroc: float | None = Field(description="on the test patients; null where there are not enough cases")
    auroc_low: float | None = Field(description="lower end of its 95 % interval")
    auroc_high: float | None = Field(description="upper end")
    not_judged: str = Field(description="why the label cannot be called; empty where it can")


class Known(BaseModel):
    """Who answers, which labels, and how good at them."""

    run: str
    labels: list[str] = Field(description="in the order of the logits")
    standing: dict[str, dict[str, Standing]] = Field(description="member -> label -> figures")
    accepts: str = Field(description="which files are read")
    not_for: str = Field(description="what the answers must not be used for")


class Health(BaseModel):
    """That the service answers, and who."""

    status: str
    run: str
    engines: dict[str, str] = Field(description="member -> engine")
    at_work: int = Field(description="films that are being answered now")
    at_most: int = Field(description="films that are taken at once")


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str = Field(description="a sentence: what was expected, what came, what to do")
    gate: Gate | None = Field(None, description="the gate's verdict, where that is the reason")
