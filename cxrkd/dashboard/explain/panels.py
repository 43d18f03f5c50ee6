"""Maps of several members -> the films under them, with notes and a colour bar. No Streamlit, no models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cxrkd.answers.calls import call_of
from cxrkd.answers.explanation import TEACHER
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.charts import style
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.explain.display import Display
from cxrkd.dashboard.pictures import Outline, Panel, outlines
from cxrkd.explain.difference import difference
from cxrkd.explain.overlay import (
    SCALES,
    SIGNED_COLORMAPS,
    Scale,
    colour_scales,
    colour_table,
    layer,
    shared_scale,
    upsample,
)
from cxrkd.images.showing import windowed

_COLOURS_IN_BAR = 17
_BAR_TITLES = {
    "strong": "share of strong evidence",
    "own": "share of each map's maximum",
    "difference": "student − teacher, strong evidence",
    "difference of shares": "student − teacher, shares of maximum",
}


@dataclass(frozen=True)
class Pictured:
    """What is pictured of a film beside its maps.

    Attributes:
        pixels: float32 (H, H) in [0, 1], as fine as the film is.
        side: S, of the networks' input, and of the coordinates of outlines.
        outlines: lesion truth.
    """

    pixels: np.ndarray = field(repr=False)
    side: int
    outlines: tuple[Outline, ...] = ()


def panels(
    film: Pictured,
    heats: Mapping[str, np.ndarray],
    display: Display,
    notes: Mapping[str, str],
    strong: Mapping[str, float] | None = None,
) -> list[Panel]:
    """One panel a member: the film with its map, or the bare film where heat is switched off.

    Args:
        film: what the maps are of.
        heats: member -> raw signed map (h, w).
        display: how both are drawn.
        notes: member -> lines under its name.
        strong: member -> what strong evidence is, where it is known.
    """
    grey = windowed(film.pixels, *display.window, invert=display.invert)
    maps, colormap, scales, _ = _coloured(heats, display, strong)
    lines = contours(heats, display.contour, film.side)
    drawn = []
    for member in heats:
        colours = layer(maps[member], film.side, colormap=colormap, opacity=display.opacity, scale=scales[member])
        drawn.append(
            Panel(
                MEMBER_NAMES[member],
                grey,
                film.outlines if display.outline else (),
                notes[member],
                colours if display.heat else None,
                tuple(line for name in dict.fromkeys((TEACHER, member)) for line in lines.get(name, ())),
                film.side,
            )
        )
    return drawn


def _coloured(
    heats: Mapping[str, np.ndarray], display: Display, strong: Mapping[str, float] | None
) -> tuple[Mapping[str, np.ndarray], str, dict[str, float], str]:
    """By member the map that is drawn and the value of its strongest colour; the colour map, and what it shows."""
    if not display.difference:
        used, scales = colour_scales(heats, display.scale, strong, signed=display.colormap in SIGNED_COLORMAPS)
        return heats, display.colormap, scales, used
    known = strong if strong and set(heats) <= set(strong) else {}
    nothing = np.zeros_like(heats[TEACHER])
    maps = {
        member: difference(
            heat, nothing if member == TEACHER else heats[TEACHER], known.get(member), known.get(TEACHER)
        )
        for member, heat in heats.items()
    }
    colormap = display.colormap if display.colormap in SIGNED_COLORMAPS else SIGNED_COLORMAPS[0]
    return maps, colormap, dict.fromkeys(heats, 1.0), "difference" if known else "difference of shares"


def contours(heats: Mapping[str, np.ndarray], share: float, side: int) -> dict[str, tuple[tuple[str, Outline], ...]]:
    """Member -> curves around the hottest share of the film, in its colour, as far as that speaks for the label.

    Args:
        heats: member -> raw signed map.
        share: of the film's area, 0 to 1; 0 draws nothing.
        side: of the coordinates.
    """
    if not share:
        return {}
    curves = {}
    for member, heat in heats.items():
        fine = upsample(heat, (side, side))
        hottest = (fine >= np.quantile(fine, 1 - share)) & (fine > 0)
        curves[member] = tuple((style.COLOURS[member], curve) for curve in outlines(hottest))
    return curves


def colour_bar(
    heats: Mapping[str, np.ndarray], display: Display, unit: str, strong: Mapping[str, float] | None = None
) -> ColourBar | None:
    """The colour bar: raw units on a shared scale, else a share of each map's own scale; None without evidence."""
    maps, colormap, _, used = _coloured(heats, display, strong)
    signed = colormap in SIGNED_COLORMAPS
    top = shared_scale(maps.values(), signed=signed)
    if top == 0 or not display.heat:
        return None
    steps = np.linspace(0, 255, _COLOURS_IN_BAR).astype(int)
    table = colour_table(colormap)[steps]
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


def in_words(notes: Mapping[str, str]) -> str:
    """`Teacher: 81.0%, called, threshold 50.0%, 4% outside the body. Student alone: ...`, for who sees no picture."""
    return " ".join(f"{MEMBER_NAMES[m]}: {', '.join(note.splitlines())}." for m, note in notes.items())
