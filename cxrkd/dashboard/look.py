"""Widgets of the Explain page: which explanation, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from cxrkd.explain import CAM_NAMES, COLORMAPS, SIGNED_COLORMAPS
from cxrkd.runs.explanation import LIME

SHARED_HELP = "on: equal colours mean equal evidence; off: each map is scaled to its own maximum"


@dataclass(frozen=True)
class Look:
    """How maps are drawn.

    Attributes:
        colormap: one of `cxrkd.explain.COLORMAPS`.
        opacity: 0 to 1, of the strongest evidence.
        shared: one scale for all members, so that equal colours mean equal evidence.
        heat: False shows the bare film.
        outline: draw the lesion truth where it is known.
    """

    colormap: str
    opacity: float
    shared: bool
    heat: bool
    outline: bool


def choose_look(has_truth: bool) -> Look:
    """Widgets for how maps are drawn."""
    left, middle, right = st.columns([1, 1, 2], vertical_alignment="bottom")
    colormap = left.selectbox("Colours", COLORMAPS, format_func=_colormap_title, key="look_colormap")
    opacity = middle.slider("Opacity", 0.0, 1.0, 0.6, 0.05, key="look_opacity")
    with right.container(horizontal=True):
        heat = st.toggle("Heat", True, key="look_heat", help="off shows the bare film")
        shared = st.toggle("Shared scale", False, key="look_shared", help=SHARED_HELP)
        outline = st.toggle("Lesion truth", True, key="look_outline", disabled=not has_truth)
    return Look(str(colormap), float(opacity), shared, heat, outline and has_truth)


def _colormap_title(colormap: str) -> str:
    return f"{colormap.removesuffix('_r')} (for and against)" if colormap in SIGNED_COLORMAPS else colormap


def choose_method() -> str:
    """Which explanation: one of `CAM_METHODS`, or "lime"."""
    names = {**CAM_NAMES, LIME: "LIME"}
    chosen = st.segmented_control(
        "Method", list(names), default="gradcam", format_func=names.__getitem__, required=True, wrap=True, key="method"
    )
    return str(chosen or "gradcam")
