"""The networks on offer. One `register` line makes a network buildable, selectable on pages and tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cxrkd.errors import ConfigError
from cxrkd.models import timm_backbone as tb
from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.eeea_net import EEEA_NET_C1, EEEA_NET_C2, OFA_595, Chain, EEEANet

Role = Literal["teacher", "student"]
Make = Callable[[int, int, bool], Backbone]


@dataclass(frozen=True)
class Entry:
    """How a network is made.

    Attributes:
        role: what it is usually used as; any network can be built for either.
        make: (n_labels, input_size, pretrained) -> Backbone.
        min_size: smallest input side in pixels.
        multiple: input sides must be multiples of this.
    """

    role: Role
    make: Make
    min_size: int = 32
    multiple: int = 1


_ENTRIES: dict[str, Entry] = {}
MAX_SIZE = 2048


def register(arch: str, entry: Entry) -> None:
    """Offer a network under a name."""
    _ENTRIES[arch] = entry


def list_archs(role: Role | None = None) -> list[str]:
    """Names of the networks on offer, in a fixed order, all or those of one role."""
    return [arch for arch, entry in _ENTRIES.items() if role in (None, entry.role)]


def build(arch: str, labels: Sequence[str], input_size: int = 224, pretrained: bool = False) -> Classifier:
    """A network in training mode with one output per label.

    Args:
        arch: a name of `list_archs()`.
        labels: K distinct label names, in the order of the logits.
        input_size: side of the square input in pixels.
        pretrained: start from timm's ImageNet weights instead of random ones.

    Raises:
        ConfigError: unknown network, no labels or repeated ones, a size the network does not take, or weights that
            cannot be had.
    """
    entry = _ENTRIES.get(arch)
    if entry is None:
        raise ConfigError(f"Unknown network {arch!r}: expected one of {', '.join(list_archs())}.")
    _check_labels(labels)
    _check_size(arch, entry, input_size)
    return Classifier(arch, labels, input_size, entry.make(len(labels), input_size, pretrained))


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise ConfigError(f"Expected at least one label and no label twice, got {labels!r}.")


def _check_size(arch: str, entry: Entry, size: int) -> None:
    if not entry.min_size <= size <= MAX_SIZE or size % entry.multiple:
        step = f" in steps of {entry.multiple}" if entry.multiple > 1 else ""
        raise ConfigError(
            f"{arch} takes inputs of {entry.min_size} to {MAX_SIZE} pixels{step}, got {size}: choose such a size "
            "or another network."
        )


def _eeea(arch: str, chain: Chain) -> Make:
    def make(n_labels: int, input_size: int, pretrained: bool) -> Backbone:
        if pretrained:
            raise ConfigError(f"{arch} comes without pretrained weights: build it with pretrained=False.")
        return EEEANet(chain, n_labels)

    return make


def _cnn(arch: str) -> Make:
    return lambda n_labels, input_size, pretrained: tb.TimmBackbone(tb.create(arch, n_labels, pretrained))


def _vit(arch: str) -> Make:
    return lambda n_labels, input_size, pretrained: tb.ViTBackbone(
        tb.create(arch, n_labels, pretrained, input_size, any_size=True)
    )


def _sized(arch: str, backbone: type[tb.TimmBackbone]) -> Make:
    """A network with windows laid out for the input size."""
    return lambda n_labels, input_size, pretrained: backbone(tb.create(arch, n_labels, pretrained, input_size))


for _arch in ("densenet121", "densenet161", "densenet201", "resnet50", "convnext_tiny", "efficientnet_b0"):
    register(_arch, Entry("teacher", _cnn(_arch)))
register("vit_small_patch16_224", Entry("teacher", _vit("vit_small_patch16_224"), multiple=16))
register(
    "swin_tiny_patch4_window7_224",
    Entry("teacher", _sized("swin_tiny_patch4_window7_224", tb.ChannelsLastBackbone), multiple=32),
)
register("maxvit_tiny_tf_224", Entry("teacher", _sized("maxvit_tiny_tf_224", tb.TimmBackbone), multiple=32))
register("ofa_595", Entry("teacher", _eeea("ofa_595", OFA_595), min_size=28))
register("eeea_net_c2", Entry("student", _eeea("eeea_net_c2", EEEA_NET_C2), min_size=28))
register("eeea_net_c1", Entry("student", _eeea("eeea_net_c1", EEEA_NET_C1), min_size=28))
for _arch in ("mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv2_100", "efficientnet_lite0", "resnet18"):
    register(_arch, Entry("student", _cnn(_arch)))
