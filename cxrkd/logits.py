"""The one rule about logits: they are numbers. NaN says one thing only, that a network was never taught a label.

Infinity is never an answer, nor is a NaN that comes and goes: damaged weights, a training that diverged or an engine
without the range for a network give such values, and a page that showed them as a dash would hide it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxrkd.errors import AnswerError

_NAMED = 3


def untaught_columns(logits: np.ndarray) -> np.ndarray:
    """Bool (K,) of logits (..., K): the label's answers are all NaN, which is how one that was never taught is kept."""
    return np.asarray(np.isnan(logits).all(axis=tuple(range(logits.ndim - 1))))


def require_numbers(
    logits: np.ndarray, labels: Sequence[str], who: str, untaught: np.ndarray | None = None
) -> np.ndarray:
    """The logits, if they are numbers.

    Args:
        logits: (..., K).
        labels: K names.
        who: whose they are, to begin the sentence with.
        untaught: bool (K,), labels that may be NaN; None takes them from the logits, where all of a column is.

    Raises:
        AnswerError: a logit is infinite, or NaN of a label that was taught; names the labels.
    """
    if np.isfinite(logits).all():
        return logits
    allowed = untaught_columns(logits) if untaught is None else untaught
    wrong = np.isinf(logits) | (np.isnan(logits) & ~allowed)
    broken = [label for label, bad in zip(labels, wrong.any(axis=tuple(range(logits.ndim - 1))), strict=True) if bad]
    if not broken:
        return logits
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    raise AnswerError(
        f"{who} gave no number for {', '.join(broken[:_NAMED])}{more}: its weights are damaged, its training diverged, "
        "or the engine lacks the range. Restore its file, train it again, or choose another engine."
    )
