"""A student taught by the average of its own best checkpoints."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.loss import StatefulObjective
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views


class OwnAverage(StatefulObjective):
    """The divergence from what the average says to what the student says of the same view.

    With T = 1 and cross-entropy on labels its gradient is that of cross-entropy with y' = alpha y + (1 - alpha) p_avg,
    as SalNAS has it. Weights and running statistics are averaged evenly over the epochs that ranked validation better
    than every epoch before (the first does), and over all where that is not defined. Before the first has ended there
    is no average, and the student learns from labels alone.

    Args:
        student: copied.
        temperature: T.
    """

    def __init__(self, student: Classifier, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.average = copy.deepcopy(student).requires_grad_(False)
        self.epochs: Tensor
        self.best: Tensor
        self.register_buffer("epochs", torch.zeros((), dtype=torch.int64))
        self.register_buffer("best", torch.tensor(-math.inf, dtype=torch.float64))

    def forward(self, student: Views, teacher: Views, targets: Tensor) -> Tensor:
        """0-dimensional float32; the run's teacher is not asked."""
        if not self.epochs:
            return student.logits.new_zeros((), dtype=torch.float32)
        assert student.images is not None  # a student is always shown what it answers
        self.average.eval()  # the training puts all of itself into training mode
        with torch.no_grad():
            taught = self.average(student.images)
        return binary_kl(student.logits, taught, self.temperature)

    @torch.no_grad()
    def after_epoch(self, student: Classifier, val_auroc: float) -> None:
        """Take the student into the average if it has never been better."""
        if val_auroc <= self.best:
            return
        self.epochs += 1
        share = 1 / int(self.epochs)
        for kept, now in zip(self.average.state_dict().values(), student.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(now, share)
            else:
                kept.copy_(now)
        if not math.isnan(val_auroc):
            self.best.fill_(val_auroc)
