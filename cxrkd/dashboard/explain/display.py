"""Widgets of the Explain page: which explanation, and how it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.view import View
from cxrkd.explain.explainer import EXPLAINERS
from cxrkd.explain.overlay import COLORMAPS, SIGNED_COLORMAPS, Scale

SCALE_TITLES: dict[Scale, str] = {"strong": "strong evidence", "shared": "strongest here", "own": "each its own"}
SCALE_HELP = (
    "What gets the strongest colour. Strong evidence: what 95 % of the run's validation films do not exceed for that "
    "model and label, so that a weak map stays faint. Strongest here: the most in any of these maps, so that equal "
    "colours mean equal evidence. Each its own: shows where, and hides how much."
)


@dataclass(frozen=True)
class Display:
    """How maps are drawn.

    Attributes:
        colormap: one of `cxrkd.explain.COLORMAPS`.
        opacity: 0 to 1, of the strongest evidence.
        scale: what gets the strongest colour, one of `cxrkd.explain.SCALES`.
        heat: False shows the bare film.
        outline: draw the lesion truth where it is known.
    """

    colormap: str
    opacity: float
    scale: Scale
    heat: bool
    outline: bool


def choose_display(has_truth: bool, scales: Sequence[Scale]) -> Display:
    """Widgets for how maps are drawn; `scales` are those there are for these maps, the first is the default."""
    first, second, third, right = st.columns([1, 1, 1, 1], vertical_alignment="bottom")
    colormap = first.selectbox("Colours", COLORMAPS, format_func=_colormap_title, key="look_colormap")
    # The key holds the choices: maps that do not know what strong evidence is start at their own default.
    key = f"look_scale_{scales[0]}"
    scale = second.selectbox("Full colour", scales, format_func=SCALE_TITLES.__getitem__, key=key, help=SCALE_HELP)
    opacity = third.slider("Opacity", 0.0, 1.0, 0.6, 0.05, key="look_opacity")
    with right.container(horizontal=True):
        heat = st.toggle("Heat", True, key="look_heat", help="off shows the bare film")
        outline = st.toggle("Lesion truth", True, key="look_outline", disabled=not has_truth)
    return Display(str(colormap), float(opacity), scale or scales[0], heat, outline and has_truth)


def _colormap_title(colormap: str) -> str:
    return f"{colormap.removesuffix('_r')} (for and against)" if colormap in SIGNED_COLORMAPS else colormap


def choose_method(view: View) -> str:
    """Which explanation: one of EXPLAINERS, at first the one that is asked for."""
    first = next(iter(EXPLAINERS))
    titles = {name: explainer.title for name, explainer in EXPLAINERS.items()}
    views.seeded(view, "method", "method", list(titles))
    st.session_state.setdefault("method", first)
    chosen = st.segmented_control(
        "Method", list(titles), format_func=titles.__getitem__, required=True, wrap=True, key="method"
    )
    return str(chosen or first)
