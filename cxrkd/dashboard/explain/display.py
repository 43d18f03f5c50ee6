"""Widgets of the Explain page: which explanation, and how it is drawn. What is changed stands in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.link import View
from cxrkd.explain.explainer import EXPLAINERS
from cxrkd.explain.overlay import COLORMAPS, SIGNED_COLORMAPS, Scale

SCALE_TITLES: dict[Scale, str] = {"strong": "strong evidence", "shared": "strongest here", "own": "each its own"}
SCALE_HELP = (
    "What gets the strongest colour. Strong evidence: what 95 % of the run's validation films do not exceed for that "
    "model and label, so that a weak map stays faint. Strongest here: the most in any of these maps, so that equal "
    "colours mean equal evidence. Each its own: shows where, and hides how much."
)
EVIDENCE, DIFFERENCE = "Evidence", "Difference"
DIFFERENCE_HELP = (
    "Student minus teacher, each in shares of what is strong for it, on the coarser of the two grids: warm where the "
    "student sees more, cold where it sees less."
)
WINDOW_HELP = "Tones from here to there are spread over black to white; a narrow window shows faint differences."
CONTOUR_HELP = (
    "A line around the hottest share of each map that speaks for the label, in the model's colour; the teacher's is on "
    "the students' films, too."
)
CONTOURS = (0, 5, 10, 20, 30)


@dataclass(frozen=True)
class Display:
    """How films and maps are drawn.

    Attributes:
        colormap: one of `cxrkd.explain.COLORMAPS`.
        opacity: 0 to 1, of the strongest evidence.
        scale: what gets the strongest colour, one of `cxrkd.explain.SCALES`.
        heat: False shows the bare film.
        outline: draw the lesion truth where it is known.
        window: tones of the film, 0 to 1, that become black and white.
        invert: show dense tissue dark.
        contour: share of the film, 0 to 1, whose hottest evidence is outlined; 0 draws no line.
        difference: students' maps minus the teacher's, in place of their own.
    """

    colormap: str
    opacity: float
    scale: Scale
    heat: bool
    outline: bool
    window: tuple[float, float] = (0.0, 1.0)
    invert: bool = False
    contour: float = 0.0
    difference: bool = False


def choose_display(has_truth: bool, scales: Sequence[Scale], *, comparable: bool) -> Display:
    """Widgets for how films and maps are drawn.

    Args:
        has_truth: something is marked on the film.
        scales: those that there are for these maps; the first is the default.
        comparable: there are a teacher and a student.
    """
    by_map, by_film = st.tabs(["Map", "Film"], key="look")
    with by_map:
        layer = EVIDENCE
        if comparable:
            layer = str(
                st.segmented_control(
                    "Show",
                    [EVIDENCE, DIFFERENCE],
                    default=EVIDENCE,
                    required=True,
                    key="layer",
                    bind="query-params",
                    help=DIFFERENCE_HELP,
                )
            )
        colormap = st.selectbox("Colours", COLORMAPS, format_func=_colormap_title, key="colours", bind="query-params")
        # The key holds the choices: maps that do not know what strong evidence is start at their own default.
        scale = st.selectbox(
            "Full colour",
            scales,
            format_func=SCALE_TITLES.__getitem__,
            key=f"scale_{scales[0]}",
            bind="query-params",
            help=SCALE_HELP,
        )
        opacity = st.slider("Opacity", 0.0, 1.0, 0.6, 0.05, key="opacity", bind="query-params")
        contour = st.select_slider(
            "Contour of the hottest",
            CONTOURS,
            format_func=lambda share: f"{share} %" if share else "none",
            key="contour",
            bind="query-params",
            help=CONTOUR_HELP,
        )
        heat = st.toggle("Heat", True, key="heat", help="off shows the bare film", bind="query-params")
    with by_film:
        low, high = st.slider(
            "Window, % of the film's tones", 0, 100, (0, 100), key="window", bind="query-params", help=WINDOW_HELP
        )
        invert = st.toggle("Invert", key="invert", help="dense tissue dark", bind="query-params")
        outline = st.toggle("Lesion truth", True, key="truth", disabled=not has_truth, bind="query-params")
    return Display(
        str(colormap),
        float(opacity),
        scale or scales[0],
        heat,
        outline and has_truth,
        (low / 100, high / 100),
        invert,
        contour / 100,
        layer == DIFFERENCE,
    )


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
