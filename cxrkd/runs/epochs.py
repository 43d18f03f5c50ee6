"""Events of a training among those of a run: what they hold, and what the log says of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from cxrkd.jobs.events import event_sentence, is_typed
from cxrkd.progress import Event

_WHOLES, _NUMBERS = ("epoch", "epochs", "seed", "size", "devices"), ("loss", "val_auroc", "images_per_s")
_TEXTS = ("member", "device")


class TellsOfTrainings:
    """Mixin for jobs among whose events are those of trainings."""

    def writes(self, event: Event) -> bool:
        """Whether an event holds of epochs, losses and members what trainings write, or nothing of them."""
        return is_typed(event, _WHOLES, _NUMBERS, _TEXTS)

    def sentence(self, event: Event) -> str:
        """What the log says of an event: of an epoch its figures."""
        if event["kind"] != "epoch":
            return event_sentence(event)
        return (
            f"  epoch {event['epoch']}/{event['epochs']} at {event['size']} px: loss {event['loss']:.4f}, "
            f"val AUROC {event['val_auroc']:.4f}, {event['images_per_s']:.0f} images/s"
        )


def curves(events: Iterable[Mapping[str, Any]], value: str) -> dict[tuple[str, int], dict[int, float]]:
    """Member and seed -> epoch -> what an epoch ended with, such as "val_auroc"; what is no number is left out.

    An epoch trained again after a resume replaces the earlier one.
    """
    series: dict[tuple[str, int], dict[int, float]] = {}
    for event in events:
        if event.get("kind") == "epoch" and event.get("epoch") and event.get("member") and _finite(event.get(value)):
            key = (str(event["member"]), int(event.get("seed") or 0))
            series.setdefault(key, {})[int(event["epoch"])] = float(event[value])
    return series


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
