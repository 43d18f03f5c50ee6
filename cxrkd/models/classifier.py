"""One contract for every network: a grey radiograph in, one logit per label out, split where explanations look.

Nothing else in the package asks which architecture it holds: distillation takes `forward` and, for hints,
`forward_stages`; class-activation maps take `forward_features`, `forward_head` and `spatial`; exports take the module
as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Stage:
    """A place on the way through a network where features are complete at one resolution.

    Attributes:
        name: of the module behind which it lies.
        channels: C.
        stride: pixels of the image along the side of a cell.
    """

    name: str
    channels: int
    stride: float

    def grid(self, size: int) -> int:
        """Cells along the side of an image of `size` pixels; exact for multiples of 32.

        >>> Stage("layer4", 512, 32).grid(224)
        7
        """
        return int(size // self.stride)


def averaged_down(x: Tensor, side: int | None) -> Tensor:
    """Images (B, C, S, S) as means over areas, of that side; smaller ones, and all where it is None, as they are.

    Where the side is no whole fraction of S, a pixel on the edge of two areas counts for both by its shares.
    """
    size = x.shape[-1]
    if side is None or size <= side:
        return x
    if size % side == 0:
        return adaptive_avg_pool2d(x, side)
    areas = torch.tensor(_areas(size, side), dtype=x.dtype, device=x.device)
    return areas @ x @ areas.T


@lru_cache
def _areas(size: int, side: int) -> list[list[float]]:
    """Share of each of `size` pixels in a row in each of `side` means over equal lengths."""
    length = size / side
    edges = [(k * length, (k + 1) * length) for k in range(side)]
    return [[max(0.0, min(high, n + 1) - max(low, n)) / length for n in range(size)] for low, high in edges]


class Backbone(nn.Module, ABC):
    """A network over normalised images of three channels, or of one, cut in two where its maps are taken.

    `forward_head` must not write into the features it is given: explanations use them after the head has run.

    Attributes:
        mean: of each channel that the network expects, for images in [0, 1].
        std: of each channel.
        stages: from the image to the features; the last is `spatial(features)`. Empty where none are declared.
    """

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    stages: tuple[Stage, ...] = ()

    @abstractmethod
    def forward_features(self, x: Tensor) -> Tensor:
        """Features of x (B, len(mean), H, W), after the activation that ends the trunk."""

    @abstractmethod
    def forward_head(self, features: Tensor) -> Tensor:
        """Logits (B, K) of the features."""

    def spatial(self, features: Tensor) -> Tensor:
        """The features as (B, C, h, w); the identity unless the network keeps them in another layout."""
        return features

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The maps (B, C, h, w) of each of `stages`, and what `forward_features` returns."""
        return [], self.forward_features(x)


class Classifier(nn.Module):
    """A backbone with its labels and its own preparation of the input.

    Args:
        arch: name under which `cxrkd.models.build` makes this network again.
        labels: K label names, in the order of the logits.
        input_size: side of the square input in pixels, the size to resize images to.
        backbone: the network.
        shrinks_to: side that the network averages larger images down to before it looks at them; None where it looks
            at them as they come.
    """

    def __init__(
        self, arch: str, labels: Sequence[str], input_size: int, backbone: Backbone, shrinks_to: int | None = None
    ) -> None:
        super().__init__()
        self.arch = arch
        self.labels = tuple(labels)
        self.input_size = input_size
        self.shrinks_to = shrinks_to
        self.backbone = backbone
        self.mean: Tensor
        self.std: Tensor
        # Constants of the architecture, not weights: they are neither counted nor saved.
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(backbone.std).view(1, -1, 1, 1), persistent=False)

    @property
    def works_at(self) -> int:
        """Side in pixels of what the network looks at."""
        return self.shrinks_to or self.input_size

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of grey images x, float32 (B, 1, H, W) in [0, 1]."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """What the head takes, post-activation.

        Args:
            x: float32 (B, 1, H, W) in [0, 1].

        Returns:
            (B, C, h, w) for convolutional networks, (B, h, w, C) for Swin, the tokens (B, 1 + hw, C) before the last
            block for a ViT; `spatial` brings all of them to one layout.
        """
        # Subtracting (1,3,1,1) from (B,1,H,W) broadcasts the grey image to three channels; (1,1,1,1) keeps it grey.
        return self.backbone.forward_features((averaged_down(x, self.shrinks_to) - self.mean) / self.std)

    def forward_head(self, features: Tensor) -> Tensor:
        """Logits (B, K) of what `forward_features` returned; the two in a row are `forward`."""
        return self.backbone.forward_head(features)

    def spatial(self, features: Tensor) -> Tensor:
        """The features as (B, C, h, w), differentiably."""
        return self.backbone.spatial(features)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Where hints can be taken, from the image to the features; every network on offer declares four."""
        factor = self.input_size / self.works_at
        return tuple(replace(stage, stride=stage.stride * factor) for stage in self.backbone.stages)

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """One pass that also keeps what it passes through.

        Args:
            x: float32 (B, 1, H, W) in [0, 1].

        Returns:
            the maps (B, C, h, w) of each of `stages`, and what `forward_features` returns.
        """
        return self.backbone.forward_stages((averaged_down(x, self.shrinks_to) - self.mean) / self.std)

    def pooled(self, features: Tensor) -> Tensor:
        """Mean of the features over space, (B, C)."""
        return self.spatial(features).mean((2, 3))
