"""All labels of a film at a glance: a card a label, its models side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from cxrkd.answers.calls import call_of, ranked
from cxrkd.answers.explanation import Explanation
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.explain.thresholds import thresholds
from cxrkd.dashboard.pictures import Panel
from cxrkd.images.film import Film
from cxrkd.labels import display_name
from cxrkd.runs import Run

VIEW = "view"
CARD_PX, THUMB_PX, GAP_PX = 300, 160, 4
Drawn = Callable[[str], tuple[list[Panel], dict[str, str], ColourBar | None]]


def show_labels(run: Run, film: Film, explanation: Explanation, drawn: Drawn) -> None:
    """Every label, the ones that most models call first; a click on its name opens it.

    Args:
        run: the chosen one.
        film: what is explained.
        explanation: of it.
        drawn: label -> panels of its models.
    """
    cuts = thresholds(run)
    names = ", ".join(MEMBER_NAMES[member].lower() for member in explanation.members)
    st.caption(f"In each card from left to right: {names}. Colours as chosen beside; scales are of each label.")
    cells = st.grid(min_column_width=CARD_PX)
    for one in ranked(explanation.labels, explanation.probs, cuts):
        k = explanation.labels.index(one.label)
        answers = {m: (float(p[k]), call_of(float(p[k]), float(cuts[m][k]))) for m, p in explanation.probs.items()}
        words = "; ".join(f"{MEMBER_NAMES[m]} {prob:.0%}, {call}" for m, (prob, call) in answers.items())
        with cells.cell():
            st.button(
                display_name(one.label),
                type="tertiary",
                icon=":material/zoom_in:",
                on_click=_open,
                args=(film, one.label),
                key=f"open_{one.label}",
            )
            st.image(_row(drawn(one.label)[0]), width="stretch", alt=f"{display_name(one.label)}: {words}")
            st.caption(words.replace("Student alone", "Alone").replace("Student distilled", "Distilled"))


def _open(film: Film, label: str) -> None:
    st.session_state[f"label_{film.key}"] = label
    st.session_state[VIEW] = "One label"


def _row(panels: list[Panel]) -> np.ndarray:
    """Panels in a row, uint8 (THUMB_PX, W, 4), with nothing between them."""
    gap = np.zeros((THUMB_PX, GAP_PX, 4), np.uint8)
    thumbs = [np.asarray(panel.flat(THUMB_PX).convert("RGBA")) for panel in panels]
    return np.concatenate([part for thumb in thumbs for part in (gap, thumb)][1:], axis=1)
