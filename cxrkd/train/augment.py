"""Small changes that do not change a finding. No flips: the heart has a side."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_SHIFT = 0.05  # of the side
MAX_BRIGHTNESS = 0.1  # added, of the full range
MAX_CONTRAST = 0.2  # relative, about mid-grey
MAX_LOG_GAMMA = 0.25


def shift(images: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image (B, H, W) by up to 5 % of its sides, whole pixels, edges repeated; dtype kept."""
    batch, height, width = images.shape
    rows = _moved(batch, height, generator)
    columns = _moved(batch, width, generator)
    return images[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _moved(batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Index (B, side) that reads each line of pixels from a shifted place."""
    reach = int(side * MAX_SHIFT)
    offsets = torch.randint(-reach, reach + 1, (batch, 1), generator=generator)
    return (torch.arange(side) + offsets).clamp(0, side - 1)


def jitter_tones(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change gamma, contrast and brightness of each image, float (B, 1, H, W) in [0, 1]; stays in [0, 1]."""
    gamma, contrast, brightness = (2 * torch.rand(3, len(images), 1, 1, 1, generator=generator) - 1).unbind()
    images = images.pow(torch.exp(MAX_LOG_GAMMA * gamma))
    images = (images - 0.5) * (1 + MAX_CONTRAST * contrast) + 0.5 + MAX_BRIGHTNESS * brightness
    return images.clamp_(0, 1)
