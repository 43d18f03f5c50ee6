"""timm's networks behind our contract: where each keeps its last spatial features, and what sizes it takes."""

from __future__ import annotations

from math import isqrt
from typing import Any

import timm
from timm.layers import resample_abs_pos_embed_nhwc
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Backbone, Stage
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
        self._taps = self._find_taps()
        self.stages = (*(self._stage(tap) for tap in self._taps), self._features_stage())

    def _find_taps(self) -> list[int]:
        """Which of timm's `feature_info` are stages, besides the features themselves."""
        return [index for index, info in enumerate(self.net.feature_info) if info["reduction"] in (4, 8, 16)]

    def _stage(self, tap: int) -> Stage:
        info = self.net.feature_info[tap]
        return Stage(info["module"], info["num_chs"], info["reduction"])

    def _features_stage(self) -> Stage:
        """Some networks widen their last stage once more before the head."""
        return Stage("features", self.net.num_features, self.net.feature_info[-1]["reduction"])

    def forward_features(self, x: Tensor) -> Tensor:
        """Features of x (B, 3, H, W) as timm cuts them."""
        return self.net.forward_features(x)

    def forward_head(self, features: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.net.forward_head(features)

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """What timm calls intermediates, and the features."""
        features, maps = self.net.forward_intermediates(x, indices=self._taps, output_fmt="NCHW")
        return [*maps, self.spatial(features)], features


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

    def _find_taps(self) -> list[int]:
        depth = len(self.net.blocks)
        return [depth // 4 - 1, depth // 2 - 1, 3 * depth // 4 - 1]

    def forward_features(self, x: Tensor) -> Tensor:
        """Tokens (B, prefix + hw, C) in front of the last block."""
        return self.forward_stages(x)[1]

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The patch tokens after each quarter of the blocks, the last of them at the cut."""
        net, maps = self.net, []
        tokens = net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(x))))
        for index, block in enumerate(list(net.blocks)[:-1]):
            tokens = block(tokens)
            if index in self._taps:
                maps.append(self.spatial(tokens))
        return [*maps, self.spatial(tokens)], tokens

    def forward_head(self, features: Tensor) -> Tensor:
        """Last block, norm, class token, linear: logits (B, K)."""
        return self.net.forward_head(self.net.norm(self.net.blocks[-1](features)))

    def spatial(self, features: Tensor) -> Tensor:
        """Drop the prefix tokens and lay the rest out on their square grid, (B, C, h, h)."""
        patches = features[:, self.net.num_prefix_tokens :]
        side = isqrt(patches.shape[1])
        return patches.transpose(1, 2).reshape(patches.shape[0], -1, side, side)


class VisformerBackbone(TimmBackbone):
    """Visformer, whose maps begin at a stride of 8: the first stage is tapped half-way, too, so that there are four."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        self._half = len(net.stage1) // 2
        first = self.stages[0]
        self.stages = (Stage(f"stage1.{self._half - 1}", first.channels, first.stride), *self.stages)

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The maps after half of the first stage, after the first and the second, and the features."""
        net = self.net
        half = net.stage1[: self._half](net.pos_drop(net.patch_embed1(net.stem(x)) + net.pos_embed1))
        first = net.stage1[self._half :](half)
        second = net.stage2(net.pos_drop(net.patch_embed2(first) + net.pos_embed2))
        features = net.norm(net.stage3(net.pos_drop(net.patch_embed3(second) + net.pos_embed3)))
        return [half, first, second, features], features


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


def create_visformer(n_labels: int, state: State | None, img_size: int) -> Any:
    """Visformer-S; its tables of positions, one a stage, are resampled, which timm does for other networks alone.

    Raises:
        ConfigError: the tensors are not those of the network.
    """
    if state is not None:
        grids = {f"pos_embed{number}": img_size // stride for number, stride in ((1, 8), (2, 16), (3, 32))}
        state = {name: _resampled(tensor, grids.get(name)) for name, tensor in state.items()}
    return create("visformer_small", n_labels, state, img_size)


def _resampled(tensor: Tensor, grid: int | None) -> Tensor:
    """A table of positions (1, C, h, w) for another grid; other tensors, for which there is none, as they are."""
    if grid is None:
        return tensor
    moved: Tensor = resample_abs_pos_embed_nhwc(tensor.permute(0, 2, 3, 1), [grid, grid])
    return moved.permute(0, 3, 1, 2)


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
