"""Objectives: how a student learns from labels and from a teacher."""

from cxrkd.distill.bce import bce, no_distillation
from cxrkd.distill.bkd import binary_kl
from cxrkd.distill.breakdown import Loss, LossBreakdown
from cxrkd.distill.focal import focal_bce
from cxrkd.distill.paper import paper_mse
from cxrkd.distill.registry import Objective, control, list_objectives, objective

__all__ = [
    "Loss",
    "LossBreakdown",
    "Objective",
    "bce",
    "binary_kl",
    "control",
    "focal_bce",
    "list_objectives",
    "no_distillation",
    "objective",
    "paper_mse",
]
