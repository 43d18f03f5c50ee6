"""What a network on offer says of itself. A file in `networks/` makes one buildable, selectable and tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cxrkd.registry import Entry, Registry

if TYPE_CHECKING:
    from cxrkd.models.classifier import Backbone
    from cxrkd.models.pretrained import Source, State

JOIN = "+"
"""Between the names of networks that answer together."""
MAX_SIZE = 2048
Role = Literal["teacher", "student"]
Make = Callable[[int, int, "State | None"], "Backbone"]


def parts_of(arch: str) -> list[str]:
    """The networks that a name joins; one for most names.

    >>> parts_of("efficientnet_lite0+efficientnet_lite2")
    ['efficientnet_lite0', 'efficientnet_lite2']
    """
    return arch.split(JOIN)


def no_weights() -> Mapping[str, Source]:
    """Of a network that always starts at random."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Network(Entry):
    """How a network is made.

    Attributes:
        role: what it is usually used as; any network can be built for either.
        make: (n_labels, input_size, pretrained tensors or None) -> Backbone.
        min_size: smallest input side in pixels.
        multiple: input sides must be multiples of this.
        weights: asked for the pretrained weights there are for it, by the name that a run's config uses.
        needs: made of the sizes.
    """

    role: Role | Literal["both"]
    make: Make
    min_size: int = 32
    multiple: int = 1
    weights: Callable[[], Mapping[str, Source]] = no_weights
    needs: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        step = f" in steps of {self.multiple}" if self.multiple > 1 else ""
        object.__setattr__(self, "needs", (f"inputs of {self.min_size} to {MAX_SIZE} pixels{step}",))

    def takes(self, size: int) -> bool:
        """Whether it answers images of so many pixels a side."""
        return self.min_size <= size <= MAX_SIZE and size % self.multiple == 0


NETWORKS: Registry[Network] = Registry("network", "cxrkd.models.networks", first=("densenet121", "eeea_net_c2"))
"""Those that a run has where nobody chooses stand first."""


def network_title(arch: str) -> str:
    """What people call a network, or those that answer together; a name that is not known as it is.

    >>> network_title("efficientnet_lite0+eeea_net_c2"), network_title("of-another-day")
    ('EfficientNet-Lite0 + EEEA-Net-C2', 'of-another-day')
    """
    return f" {JOIN} ".join(NETWORKS[one].title if one in NETWORKS else one for one in parts_of(arch))
