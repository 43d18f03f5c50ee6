"""Events of a training among those of a run: what they hold, and what the log says of an epoch."""

from __future__ import annotations

from cxrkd.jobs.events import Event, event_sentence, is_typed

_WHOLES, _NUMBERS, _TEXTS = ("epoch", "epochs", "seed", "size"), ("loss", "val_auroc"), ("member",)


def is_training_event(event: Event) -> bool:
    """Whether an event holds of epochs, losses and members what trainings write, or nothing of them."""
    return is_typed(event, _WHOLES, _NUMBERS, _TEXTS)


def training_sentence(event: Event) -> str:
    """What the log says of an event."""
    if event["kind"] != "epoch":
        return event_sentence(event)
    return (
        f"  epoch {event['epoch']}/{event['epochs']} at {event['size']} px: loss {event['loss']:.4f}, "
        f"val AUROC {event['val_auroc']:.4f}, {event['images_per_s']:.0f} images/s"
    )
