"""Small changes that do not change a finding, and mixtures of two films. No flips: the heart has a side."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MAX_SHIFT = 0.05  # of the side
MAX_TURN = math.radians(5)
MAX_ZOOM = 0.08  # relative
MAX_BRIGHTNESS = 0.1  # added, of the full range
MAX_CONTRAST = 0.2  # relative, about mid-grey
MAX_LOG_GAMMA = 0.25


def move(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, turn and zoom each image, float (B, 1, H, W), by random amounts; edges are repeated."""
    across, down, turn, zoom = _signed(4, len(images), generator=generator).to(images.device).unbind()
    scale = 1 + MAX_ZOOM * zoom
    cos, sin = scale * torch.cos(MAX_TURN * turn), scale * torch.sin(MAX_TURN * turn)
    # affine_grid measures in half sides, so a shift of 5 % of the side is 0.1
    rows = [torch.stack([cos, -sin, 2 * MAX_SHIFT * across], 1), torch.stack([sin, cos, 2 * MAX_SHIFT * down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def jitter_tones(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change gamma, contrast and brightness of each image, float (B, 1, H, W) in [0, 1]; stays in [0, 1]."""
    gamma, contrast, brightness = _signed(3, len(images), 1, 1, 1, generator=generator).to(images.device).unbind()
    images = images.pow(torch.exp(MAX_LOG_GAMMA * gamma))
    images = (images - 0.5) * (1 + MAX_CONTRAST * contrast) + 0.5 + MAX_BRIGHTNESS * brightness
    return images.clamp_(0, 1)


def mix(images: Tensor, targets: Tensor, beta: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., ICLR 2018, arXiv 1710.09412): every image with another one of the batch, one share for all.

    Args:
        images: float (B, 1, H, W).
        targets: float (B, K); unknown (NaN) in either film stays unknown.
        beta: the share is drawn from Beta(beta, beta).
        rng: of share and partners.
    """
    share, partner = rng.beta(beta, beta), torch.from_numpy(rng.permutation(len(images)))
    return torch.lerp(images[partner], images, share), torch.lerp(targets[partner], targets, share)


def _signed(*shape: int, generator: torch.Generator) -> Tensor:
    """Uniform in [-1, 1)."""
    return 2 * torch.rand(*shape, generator=generator) - 1
