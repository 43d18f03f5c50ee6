"""Maps of several members -> the films under them, with notes and a colour bar. No Streamlit, no models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from cxrkd.answers.calls import call_of
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.explain.display import Display
from cxrkd.dashboard.pictures import Outline, Panel, grey_to_rgb
from cxrkd.explain.overlay import SCALES, SIGNED_COLORMAPS, Scale, colour_scales, colour_table, overlay, shared_scale

_COLOURS_IN_BAR = 17
_BAR_TITLES = {"strong": "share of strong evidence", "own": "share of each map's maximum"}


def panels(
    pixels: np.ndarray,
    heats: Mapping[str, np.ndarray],
    display: Display,
    notes: Mapping[str, str],
    outlines: Sequence[Outline] = (),
    strong: Mapping[str, float] | None = None,
) -> list[Panel]:
    """One panel a member: the film with its map, or the bare film where heat is switched off.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heats: member -> raw signed map (h, w).
        display: colour map, opacity, scale, heat on or off.
        notes: member -> lines under its name.
        outlines: lesion truth.
        strong: member -> what strong evidence is, where it is known.
    """
    _, scales = colour_scales(heats, display.scale, strong, signed=display.colormap in SIGNED_COLORMAPS)
    drawn = []
    for member, heat in heats.items():
        coloured = overlay(pixels, heat, colormap=display.colormap, opacity=display.opacity, scale=scales[member])
        rgb = coloured if display.heat else grey_to_rgb(pixels)
        drawn.append(Panel(MEMBER_NAMES[member], rgb, tuple(outlines), notes[member]))
    return drawn


def colour_bar(
    heats: Mapping[str, np.ndarray], display: Display, unit: str, strong: Mapping[str, float] | None = None
) -> ColourBar | None:
    """The colour bar: raw units on a shared scale, else a share of each map's own scale; None without evidence."""
    signed = display.colormap in SIGNED_COLORMAPS
    top = shared_scale(heats.values(), signed=signed)
    if top == 0 or not display.heat:
        return None
    used, _ = colour_scales(heats, display.scale, strong, signed=signed)
    steps = np.linspace(0, 255, _COLOURS_IN_BAR).astype(int)
    table = colour_table(display.colormap)[steps]
    colours = [(i / (_COLOURS_IN_BAR - 1), f"rgb({r},{g},{b})") for i, (r, g, b) in enumerate(table.tolist())]
    high, title = (top, unit) if used == "shared" else (1.0, _BAR_TITLES[used])
    return ColourBar(colours, -high if signed else 0.0, high, title)


def scales_for(strong: Mapping[str, float], members: Sequence[str]) -> list[Scale]:
    """The scales that there are for some maps, the default first."""
    return list(SCALES) if set(members) <= set(strong) else [scale for scale in SCALES if scale != "strong"]


def panel_note(prob: float, threshold: float, outside: float) -> str:
    """Three short lines above a panel: probability and call, the threshold, and how much evidence is outside the body.

    Short, because three panels share the width of a small screen.
    """
    answer = "no answer" if math.isnan(prob) else f"{prob:.1%}"
    cut = "no threshold" if math.isnan(threshold) else f"threshold {threshold:.1%}"
    where = "no positive evidence" if math.isnan(outside) else f"{outside:.0%} outside the body"
    return f"{answer}, {call_of(prob, threshold)}\n{cut}\n{where}"


def without_evidence(heats: Mapping[str, np.ndarray]) -> list[str]:
    """Members whose map has nothing that speaks for the label."""
    return [member for member, heat in heats.items() if not (heat > 0).any()]
