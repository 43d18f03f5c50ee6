"""Small changes that do not change a finding, and mixtures of two films. No flips: the heart has a side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MAX_SHIFT = 0.06  # of the side
MAX_TURN = math.radians(7)
MAX_ZOOM = 0.12  # relative
MAX_BRIGHTNESS = 0.1  # added, of the full range
MAX_CONTRAST = 0.3  # relative, about mid-grey
MAX_LOG_GAMMA = 0.35


@dataclass(frozen=True)
class Amounts:
    """How much each of B images is changed, in [-1, 1) of the most.

    Attributes:
        moves: float (4, B): across, down, turn, zoom.
        tones: float (3, B): gamma, contrast, brightness.
    """

    moves: Tensor
    tones: Tensor


def draw(each: Sequence[np.random.Generator]) -> Amounts:
    """Amounts for B images, each from a generator of its own: they do not depend on who else is in the batch."""
    amounts = torch.from_numpy(np.stack([rng.uniform(-1, 1, 7) for rng in each], axis=1)).float()
    return Amounts(amounts[:4], amounts[4:])


def move(images: Tensor, amounts: Amounts, padding: str = "border") -> Tensor:
    """Shift, turn and zoom each image, float (B, C, H, W).

    Args:
        images: films, or masks that go along with them.
        amounts: of each.
        padding: what comes in from beyond the edge: the edge repeated ("border"), or nothing ("zeros").
    """
    across, down, turn, zoom = amounts.moves.to(images.device).unbind()
    scale = 1 + MAX_ZOOM * zoom
    cos, sin = scale * torch.cos(MAX_TURN * turn), scale * torch.sin(MAX_TURN * turn)
    # affine_grid measures in half sides, so a shift of 6 % of the side is 0.12
    rows = [torch.stack([cos, -sin, 2 * MAX_SHIFT * across], 1), torch.stack([sin, cos, 2 * MAX_SHIFT * down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def jitter_tones(images: Tensor, amounts: Amounts) -> Tensor:
    """Change gamma, contrast and brightness of each image, float (B, 1, H, W) in [0, 1]; stays in [0, 1]."""
    gamma, contrast, brightness = amounts.tones[..., None, None, None].to(images.device).unbind()
    images = images.pow(torch.exp(MAX_LOG_GAMMA * gamma))
    images = (images - 0.5) * (1 + MAX_CONTRAST * contrast) + 0.5 + MAX_BRIGHTNESS * brightness
    return images.clamp_(0, 1)


@dataclass(frozen=True)
class Mixture:
    """Mixup (Zhang et al., ICLR 2018, arXiv 1710.09412): every film with another one of the batch, one share for all.

    Attributes:
        share: of the film itself, in [0, 1].
        partner: int (B,), the place in the batch of the film that each is mixed with.
    """

    share: float
    partner: np.ndarray

    def of(self, first: Tensor, second: Tensor) -> Tensor:
        """Images (B, 1, H, W) or targets (B, K) with those of their partners; unknown (NaN) in either stays unknown."""
        return torch.lerp(second, first, self.share)


def mixture(n: int, beta: float, rng: np.random.Generator) -> Mixture:
    """Share, from Beta(beta, beta), and partners for a batch of n."""
    return Mixture(rng.beta(beta, beta), rng.permutation(n))
