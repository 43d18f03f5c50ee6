"""Explanations that get better while one looks: a bar that says how stable they are, and a button that ends it.

A round goes through the queue of this server behind what all visitors wait for, and the page is drawn anew with it.
What was computed is kept: another label, another page or the button lose nothing of what is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrkd.answers.explanation import Explanation
from cxrkd.answers.refining import standing
from cxrkd.dashboard import layout, session
from cxrkd.dashboard.explain import computing
from cxrkd.explain.stability import Stability
from cxrkd.images.film import Film
from cxrkd.runs import Run

STOP, GO_ON = "Stop refining", "Refine further"
STOP_HELP = "What is drawn now stays; you can go on later."


@dataclass(frozen=True)
class Refining:
    """What goes on at the end of a page, where all else is drawn.

    Attributes:
        known: how stable the maps of the label are.
        line: where the bar stands.
    """

    known: Stability
    line: DeltaGenerator


@contextmanager
def refining(run: Run, film: Film, explanation: Explanation, label: str) -> Iterator[None]:
    """Say how stable the maps of a label are; behind the block refine them, unless it is enough or was stopped."""
    began = _begin(run, film, explanation, label)
    yield
    if began is not None:
        computing.refine(run, film, explanation, label, lambda _, far: _draw(began.line, began.known, far))
        st.rerun()


def _begin(run: Run, film: Film, explanation: Explanation, label: str) -> Refining | None:
    """The bar and its button; None where nothing is to be refined."""
    known = standing(explanation, [label])
    if known is None:
        return None
    if known.over:
        layout.notice(known.sentence())
        return None
    key, stopped = computing.identity(run, film, explanation.method), session.current().stopped
    left, right = st.columns([4, 1], vertical_alignment="center")
    if right.button(GO_ON if key in stopped else STOP, key="refine", help=STOP_HELP, width="stretch"):
        stopped ^= {key}
        st.rerun()
    with left:
        line = st.empty()
    _draw(line, known)
    return None if key in stopped else Refining(known, line)


def _draw(line: DeltaGenerator, known: Stability, far: str = "") -> None:
    """The bar: what is reached of what is asked for."""
    reached = 0.0 if np.isnan(known.reached) else known.reached / known.target
    line.progress(float(np.clip(reached, 0, 1)), f"{known.sentence()} {far}".strip())
