"""The only place where a raw map is scaled and coloured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, TypeVar, get_args

import cv2
import numpy as np
from scipy import ndimage

from cxrkd.errors import ConfigError
from cxrkd.text import shown

# All perceptually uniform and readable with colour-vision deficiency. The signed ones (Crameri, Nat Commun 2020) are
# dark at zero and bright at both ends, with the warm end positive: strong evidence never disappears on a dark film.
POSITIVE_COLORMAPS: tuple[str, ...] = ("inferno", "magma", "cividis", "viridis")
SIGNED_COLORMAPS: tuple[str, ...] = ("managua_r", "berlin")
COLORMAPS: tuple[str, ...] = POSITIVE_COLORMAPS + SIGNED_COLORMAPS

K = TypeVar("K", bound=str)
Scale = Literal["strong", "shared", "own"]
SCALES: tuple[Scale, ...] = get_args(Scale)


@cache
def colour_table(colormap: str) -> np.ndarray:
    """The 256 colours of a map from its low to its high end, uint8 (256, 3); for overlays and colour bars.

    Raises:
        ConfigError: a colour map that is not offered.
    """
    if colormap not in COLORMAPS:
        raise ConfigError(f"Unknown colour map {shown(colormap)}: expected one of {', '.join(COLORMAPS)}.")
    from matplotlib import colormaps

    table = colormaps[colormap](np.arange(256), bytes=True)[:, :3]
    table.setflags(write=False)
    return table


def upsample(heat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Bilinear interpolation of (h, w) to `shape` (H, W), float32, cell centres aligned."""
    if heat.shape == shape:
        return heat.astype(np.float32)
    grid = np.ascontiguousarray(heat, dtype=np.float32)
    return np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def shared_scale(heats: Iterable[np.ndarray], *, signed: bool = False) -> float:
    """The largest evidence in several maps, for `overlay(scale=...)`: equal colours then mean equal evidence.

    Args:
        heats: raw maps of any shapes.
        signed: count evidence against the label too, as a signed colour map draws it.

    Returns:
        The maximum, 0.0 where no map has any evidence to draw.
    """
    return max((float(np.max(np.abs(h) if signed else h, initial=0.0)) for h in heats), default=0.0)


def colour_scales(
    heats: Mapping[K, np.ndarray], asked: Scale, strong: Mapping[K, float] | None = None, *, signed: bool = False
) -> tuple[Scale, dict[K, float]]:
    """The evidence that gets the strongest colour in each of several maps of one label.

    - `strong`: what is strong for that network and label (`cxrkd.explain.Reference`). A map that is weak for its
      network is faint, however it compares with the others, and units need not be comparable.
    - `shared`: the most in any of the maps: equal colours mean equal evidence.
    - `own`: the most in each map: it shows where, and hides how much.

    Args:
        heats: raw maps by network.
        asked: one of SCALES.
        strong: by network; where one is missing, `shared` takes the place of `strong`.
        signed: evidence against the label is drawn, too.

    Returns:
        The scale that is used, and the evidence by network, for `overlay(scale=...)`.
    """
    if asked == "strong" and strong and set(heats) <= set(strong):
        return asked, {name: strong[name] for name in heats}
    if asked == "own":
        return asked, {name: shared_scale([heat], signed=signed) for name, heat in heats.items()}
    return "shared", dict.fromkeys(heats, shared_scale(heats.values(), signed=signed))


def overlay(
    pixels: np.ndarray,
    heat: np.ndarray,
    *,
    colormap: str = "inferno",
    opacity: float = 0.5,
    scale: float | None = None,
) -> np.ndarray:
    """Lay a map over a film, the more opaque the stronger its evidence: what has none stays bare film.

    Args:
        pixels: float (H, W) in [0, 1].
        heat: (h, w), raw; a map of POSITIVE_COLORMAPS draws its positive part, one of SIGNED_COLORMAPS both.
        colormap: one of COLORMAPS.
        opacity: 0 to 1, of the strongest evidence.
        scale: the evidence that gets the end of the colour map, stronger is clipped; None takes this map's own maximum.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ConfigError: unknown colour map, opacity outside 0 to 1, or a scale that is negative or not finite.
    """
    colours, alpha = _coloured(heat, pixels.shape, colormap, opacity, scale)
    grey = 255 * np.clip(pixels, 0, 1)[..., None]
    return np.rint((1 - alpha) * grey + alpha * colours).astype(np.uint8)


def layer(
    heat: np.ndarray, side: int, *, colormap: str = "inferno", opacity: float = 0.5, scale: float | None = None
) -> np.ndarray:
    """The colours of `overlay` alone, to be laid over a film of any size by whoever draws it.

    Args:
        heat: (h, w), raw.
        side: of the layer.
        colormap: as in `overlay`.
        opacity: as in `overlay`.
        scale: as in `overlay`.

    Returns:
        uint8 (side, side, 4), alpha last and not multiplied in.

    Raises:
        ConfigError: as in `overlay`.
    """
    colours, alpha = _coloured(heat, (side, side), colormap, opacity, scale)
    return np.concatenate([colours, np.rint(255 * alpha).astype(np.uint8)], axis=2)


def _coloured(
    heat: np.ndarray, shape: tuple[int, ...], colormap: str, opacity: float, scale: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Colours uint8 (H, W, 3) of a map and how opaque they are, 0 to 1 (H, W, 1)."""
    table, signed = colour_table(colormap), colormap in SIGNED_COLORMAPS
    if not 0 <= opacity <= 1:
        raise ConfigError(f"Expected an opacity between 0 and 1, got {opacity}.")
    scale = shared_scale([heat], signed=signed) if scale is None else scale
    if not (np.isfinite(scale) and scale >= 0):
        raise ConfigError(f"Expected a scale that is finite and not negative, got {scale}.")
    share = np.clip(upsample(heat, shape) / (scale or 1.0), -1 if signed else 0, 1)
    colours = table[np.rint(255 * ((share + 1) / 2 if signed else share)).astype(np.intp)]
    return colours, opacity * np.abs(share)[..., None]


def draw_contour(
    rgb: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int] = (64, 224, 255), width: int = 2
) -> np.ndarray:
    """A copy of `rgb` uint8 (H, W, 3) with a line of `width` pixels just outside `mask` bool (H, W): all of it shows.

    Raises:
        ValueError: mask and image differ in size.
    """
    if mask.shape != rgb.shape[:2]:
        raise ValueError(f"expected a mask of {rgb.shape[:2]}, got {mask.shape}")
    drawn = rgb.copy()
    if mask.any():
        drawn[ndimage.binary_dilation(mask, iterations=width) & ~mask] = colour
    return drawn
