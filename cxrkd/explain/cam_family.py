"""The family of class-activation maps: what an explainer of it says beside what all explainers say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxrkd.explain.explainer import EXPLAINERS, Explainer

if TYPE_CHECKING:
    from torch import Tensor

Combine = Callable[["Tensor", "Tensor"], "Tensor"]


@dataclass(frozen=True, kw_only=True)
class Cam(Explainer):
    """One of the family; all of it comes from one pass through a network.

    Attributes:
        combine: activations (B, C, h, w) and the gradient of each logit with respect to them (B, K, C, h, w) -> maps
            (B, K, h, w); a `ConfigError` where it is undefined on a network.
    """

    combine: Combine


def cams() -> dict[str, Cam]:
    """All there are, by name."""
    return {name: entry for name, entry in EXPLAINERS.items() if isinstance(entry, Cam)}
