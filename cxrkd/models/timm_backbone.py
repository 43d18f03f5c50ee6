"""timm's networks behind our contract: where each keeps its last spatial features, and what sizes it takes."""

from __future__ import annotations

from math import isqrt
from typing import Any

import timm
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Backbone


class TimmBackbone(Backbone):
    """A timm network whose `forward_features` are (B, C, h, w) and already post-activation."""

    net: Any  # timm's methods are not part of nn.Module's type

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net
        # What the pretrained weights expect; kept for random ones, too, so that both see the same input.
        self.mean = tuple(net.pretrained_cfg["mean"])
        self.std = tuple(net.pretrained_cfg["std"])

    def forward_features(self, x: Tensor) -> Tensor:
        """Features of x (B, 3, H, W) as timm cuts them."""
        return self.net.forward_features(x)

    def forward_head(self, features: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.net.forward_head(features)


class ChannelsLastBackbone(TimmBackbone):
    """A network with features (B, h, w, C), such as Swin."""

    def spatial(self, features: Tensor) -> Tensor:
        """(B, h, w, C) to (B, C, h, w)."""
        return features.permute(0, 3, 1, 2)


class ViTBackbone(TimmBackbone):
    """A plain vision transformer with a class token, cut in front of its last block.

    Behind the last attention only the class token reaches the logits, so patch tokens have no gradient there; the
    tokens in front of it do (the layer that pytorch-grad-cam recommends).
    """

    def forward_features(self, x: Tensor) -> Tensor:
        """Tokens (B, prefix + hw, C) in front of the last block."""
        net = self.net
        tokens = net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(x))))
        for block in list(net.blocks)[:-1]:
            tokens = block(tokens)
        return tokens

    def forward_head(self, features: Tensor) -> Tensor:
        """Last block, norm, class token, linear: logits (B, K)."""
        return self.net.forward_head(self.net.norm(self.net.blocks[-1](features)))

    def spatial(self, features: Tensor) -> Tensor:
        """Drop the prefix tokens and lay the rest out on their square grid, (B, C, h, h)."""
        patches = features[:, self.net.num_prefix_tokens :]
        side = isqrt(patches.shape[1])
        return patches.transpose(1, 2).reshape(patches.shape[0], -1, side, side)


def create(name: str, n_labels: int, pretrained: bool, img_size: int | None = None, any_size: bool = False) -> Any:
    """A timm network with `n_labels` outputs.

    Args:
        name: timm's id.
        n_labels: K.
        pretrained: take timm's default weights, downloaded once by timm and kept in its cache.
        img_size: side of the input in pixels, for networks whose parameters depend on it.
        any_size: let a ViT resample its position table, so that training may run at a smaller size first.

    Raises:
        ConfigError: the weights are neither cached nor reachable.
    """
    size = {} if img_size is None else {"img_size": img_size}
    if any_size:
        size["dynamic_img_size"] = True
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=n_labels, **size)  # type: ignore[arg-type]
    except Exception as error:  # what a failed download raises depends on the hub's client and its version
        if not pretrained:
            raise
        raise ConfigError(
            f"The ImageNet weights of {name} could not be loaded ({type(error).__name__}); they are downloaded once "
            "through timm. Connect to the internet and try again, or build the network without pretrained weights."
        ) from error
