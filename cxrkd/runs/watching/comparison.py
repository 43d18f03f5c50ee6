"""Teacher and student on one film: how many calls are the same, and where they differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxrkd.answers.answer import Answer
from cxrkd.config import Member


@dataclass(frozen=True)
class Comparison:
    """Of two networks on one film.

    Attributes:
        judged: labels that both can call.
        agreed: of these, with the same call.
        largest: difference of a probability over all labels that both answer; 0 without a second network.
        label: where it is.
    """

    judged: int = 0
    agreed: int = 0
    largest: float = 0.0
    label: str = ""


def compared(answer: Answer) -> Comparison:
    """The teacher beside the last of the others, which is the student that matters; of one network nothing."""
    others: list[Member] = [member for member in answer.members if member != "teacher"]
    if "teacher" not in answer.members or not others:
        return Comparison()
    t, s = answer.members["teacher"], answer.members[others[-1]]
    judged = t.judged & s.judged
    distance = np.nan_to_num(np.abs(t.probs - s.probs), nan=0.0)
    k = int(distance.argmax())
    same = int((judged & (t.positive == s.positive)).sum())
    return Comparison(int(judged.sum()), same, float(distance[k]), answer.labels[k])


def called(answer: Answer) -> dict[str, list[str]]:
    """Member -> findings that it calls, the most probable first."""
    return {
        str(member): [answer.labels[k] for k in np.argsort(-one.probs, kind="stable") if one.positive[k]]
        for member, one in answer.members.items()
    }
