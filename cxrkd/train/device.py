"""Where networks are trained and asked: the GPU where there is one."""

from __future__ import annotations

import torch


def device() -> torch.device:
    """The first GPU that CUDA knows, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
