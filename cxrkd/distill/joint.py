"""A teacher that learns while it teaches."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from cxrkd.distill.bce import bce
from cxrkd.distill.binary_kl import binary_kl
from cxrkd.distill.loss import StatefulObjective
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views


class JointTeacher(StatefulObjective):
    """Two losses that are minimised together, each of one network (pseudo knowledge distillation).

        "teacher" = BCE(z_t, y)          "answers" = KL between sigmoid(stop_grad(z_t) / T) and sigmoid(z_s / T)

    One pass of the teacher, with dropout and the batch's own statistics, is learned from by both, as in the authors'
    code. It sees the student's views, at full size where the student's are smaller, and labels as they come. A label
    that it was never taught (NaN) stays unanswered.

    Args:
        teacher: as it starts; copied, in float32.
        temperature: T.
        rate: its learning rate, as a share of the student's.
    """

    own = "teacher"

    def __init__(self, teacher: Classifier, temperature: float, rate: float) -> None:
        super().__init__()
        self.temperature, self.rate = temperature, rate
        twin = copy.deepcopy(teacher).float().to(memory_format=torch.channels_last)
        self.teacher = twin.requires_grad_(True).train()

    def forward(self, student: Views, teacher: Views, targets: Tensor) -> dict[str, Tensor]:
        """Both losses, each 0-dimensional float32; the run's own teacher is not asked."""
        assert teacher.images is not None  # the views come with what the run's teacher says of them, which is nothing
        logits_t = self.teacher(teacher.images.contiguous(memory_format=torch.channels_last))
        answered = torch.isfinite(logits_t)
        known, labels = torch.where(answered, logits_t, 0.0), torch.where(answered, targets, torch.nan)
        return {"answers": binary_kl(student.logits, logits_t, self.temperature), "teacher": bce(known, labels)}
