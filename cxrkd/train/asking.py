"""Where a training has its teacher's answers from: the cache, or the teacher itself, about the very views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views, views
from cxrkd.train.batches import Batch
from cxrkd.train.device import multiplies_bfloat16

Ask = Callable[[Batch], Views | None]
"""What the teacher says of a batch; None where there is no teacher."""


def cached(batch: Batch) -> Views | None:
    """The logits that came with the batch."""
    return None if batch.logits_t is None else Views(batch.logits_t)


def unasked(batch: Batch) -> Views:
    """No answer about the batch's views, where nobody learns from the run's teacher: the views are what is needed."""
    return Views(torch.full_like(batch.targets, torch.nan), batch.full)


@dataclass(frozen=True)
class InTheLoop:
    """A teacher that is asked about every batch, at full size. It does not learn.

    A soft target needs no float32: bfloat16 moves a probability by 0.004 in the mean (docs/experiments.md).

    Attributes:
        teacher: put on the device of the batch, in evaluation mode.
        needs: what it is asked for besides logits.
    """

    teacher: Classifier
    needs: frozenset[str] = frozenset()

    def __call__(self, batch: Batch) -> Views:
        """What it says of these very views, float32 and without a graph."""
        where = batch.full.device
        self.teacher.to(where).eval()
        images = batch.full.contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast(where.type, torch.bfloat16, enabled=multiplies_bfloat16(where)):
            return views(self.teacher, images, self.needs).detached()
