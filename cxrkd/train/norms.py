"""Running statistics of batch norms, counted on the images that a network is going to be asked about.

While a network is trained its norms count what it sees. Turned and zoomed images are interpolated, a little softer than
images as they come, and mixed ones have less contrast: asked about the latter, the network reads them through the norms
of the former. Counting again after training ("precise BN", Wu and Johnson, arXiv 2105.07576) costs a pass over the
images and changes no weight; on real radiographs it was worth .01 to .06 of AUROC (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from cxrkd.data.cohort import Cohort
from cxrkd.images.resizing import resized
from cxrkd.models.classifier import Classifier
from cxrkd.train.batches import to_unit


def recount_norms(model: Classifier, batches: Iterable[Tensor]) -> None:
    """Set the statistics of every batch norm to their means over `batches`; without a norm nothing happens.

    Args:
        model: on any device; its weights stay, and it is left in evaluation mode.
        batches: images, float32 (B, 1, H, W) in [0, 1], at least one batch of two or more.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    model.eval()
    where = next(model.parameters()).device
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # PyTorch's word for a plain mean over batches
        norm.train()
    with torch.no_grad():
        for images in batches:
            model(images.to(where).contiguous(memory_format=torch.channels_last))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def films(cohort: Cohort, size: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """The training images as they come, `size` pixels a side, in whole batches of a random order.

    Where there is no whole batch, one smaller batch holds them all.
    Sorted by patient as a cohort may be, a batch would hold a few patients and its variance would be theirs.
    """
    rows = np.random.default_rng(seed).permutation(cohort.rows("train"))
    n = min(batch_size, len(rows))
    for first in range(0, len(rows) - n + 1, n):
        yield to_unit(resized(np.asarray(cohort.images[np.sort(rows[first : first + n])]), size))
