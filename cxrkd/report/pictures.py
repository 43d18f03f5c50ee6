"""Films with maps as pictures that a page holds, and the colour bar that says what their colours mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cxrkd.explain.overlay import (
    SIGNED_COLORMAPS,
    Scale,
    colour_scales,
    colour_table,
    draw_contour,
    overlay,
    shared_scale,
)
from cxrkd.images.encoded import data_uri
from cxrkd.text import number

_LINE_SHARE = 150
"""The outline of a lesion is one pixel wide for so many pixels of the film's side."""
_BAR_TITLES: dict[Scale, str] = {
    "strong": "share of strong evidence: what 95 % of the run's validation films do not exceed for that network",
    "own": "share of each map's maximum",
}


@dataclass(frozen=True)
class Look:
    """How maps are drawn: a colour map, the opacity of the strongest evidence, and what gets the strongest colour."""

    colormap: str = "inferno"
    opacity: float = 0.6
    scale: Scale = "strong"


@dataclass(frozen=True)
class Bar:
    """A colour bar: the picture, what its ends are, and of what."""

    uri: str
    low: str
    high: str
    title: str


def bare(pixels: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """A film (H, W) in [0, 1] without a map, uint8 (H, W, 3)."""
    return _outlined(overlay(pixels, np.zeros((1, 1)), scale=1.0), mask)


def with_maps(
    pixels: np.ndarray,
    heats: Mapping[str, np.ndarray],
    look: Look,
    strong: Mapping[str, float] | None = None,
    mask: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The film under each map, by network, uint8 (H, W, 3).

    Args:
        pixels: float32 (H, W) in [0, 1].
        heats: by network, raw and signed (h, w).
        look: how they are drawn.
        strong: by network, what strong evidence is; see `colour_scales`.
        mask: bool (H, W), the lesion to outline.
    """
    _, scales = colour_scales(heats, look.scale, strong, signed=look.colormap in SIGNED_COLORMAPS)
    drawn = {
        name: overlay(pixels, heat, colormap=look.colormap, opacity=look.opacity, scale=scales[name])
        for name, heat in heats.items()
    }
    return {name: _outlined(rgb, mask) for name, rgb in drawn.items()}


def colour_bar(
    heats: Mapping[str, np.ndarray], look: Look, unit: str, strong: Mapping[str, float] | None = None
) -> Bar | None:
    """Of the same maps; None where there is nothing to draw."""
    signed = look.colormap in SIGNED_COLORMAPS
    most = shared_scale(heats.values(), signed=signed)
    if most == 0:
        return None
    used, _ = colour_scales(heats, look.scale, strong, signed=signed)
    high = f"{most:.3g}" if used == "shared" else number(1, 0)
    colours = np.repeat(colour_table(look.colormap)[None], 2, axis=0)
    return Bar(data_uri(np.array(colours)), f"-{high}" if signed else "0", high, _BAR_TITLES.get(used, unit))


def _outlined(rgb: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return rgb if mask is None else draw_contour(rgb, mask, width=max(1, round(len(rgb) / _LINE_SHARE)))
