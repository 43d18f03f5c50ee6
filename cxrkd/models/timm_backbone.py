"""timm's networks behind our contract: where each keeps its last spatial features, and what sizes it takes."""

from __future__ import annotations

from math import isqrt
from typing import Any

import timm
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Backbone
from cxrkd.models.pretrained import State


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


class GreyBackbone(TimmBackbone):
    """A network of one input channel that expects pixels in [-1024, 1024], as TorchXRayVision's do."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        self.mean, self.std = (0.5,), (1 / 2048,)


def create(
    name: str, n_labels: int, state: State | None = None, img_size: int | None = None, any_size: bool = False
) -> Any:
    """A timm network with `n_labels` outputs; nothing is downloaded.

    Args:
        name: timm's id.
        n_labels: K.
        state: pretrained tensors in timm's naming, fitted to `n_labels` and `img_size` by timm; None starts at random.
        img_size: side of the input in pixels, for networks whose parameters depend on it.
        any_size: let a ViT resample its position table, so that training may run at a smaller size first.

    Raises:
        ConfigError: the tensors are not those of the network.
    """
    size: dict[str, Any] = {} if img_size is None else {"img_size": img_size}
    if any_size:
        size["dynamic_img_size"] = True
    if state is None:
        return timm.create_model(name, pretrained=False, num_classes=n_labels, **size)
    # The registry may describe another file, such as the original .npz of a ViT; these tensors are timm's own.
    given = {"state_dict": state, "custom_load": False}
    try:
        net: Any = timm.create_model(name, pretrained=True, num_classes=n_labels, pretrained_cfg_overlay=given, **size)
    except (RuntimeError, KeyError) as error:
        raise _unfit(name) from error
    net.pretrained_cfg.pop("state_dict")  # it would be copied along with the network
    return net


def create_grey(name: str, n_labels: int, state: State | None) -> Any:
    """A timm network of one input channel; `state` holds all of its tensors, the head included.

    Raises:
        ConfigError: the tensors are not those of the network.
    """
    net = timm.create_model(name, pretrained=False, num_classes=n_labels, in_chans=1)
    if state is not None:
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise _unfit(name) from error
    return net


def _unfit(name: str) -> ConfigError:
    return ConfigError(
        f"The pretrained weights do not fit {name}: delete them from the cache and fetch them again, or start without."
    )
