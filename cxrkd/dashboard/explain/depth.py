"""What each model has kept of the film at each depth, on the Explain page: KD-FMV's maps, and whether they agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import access, layout
from cxrkd.dashboard.explain import computing
from cxrkd.explain.feature_maps import DepthAgreement
from cxrkd.explain.overlay import colour_table
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.runs.sample_films import other_films

_PX = 224
_SHORT = {"random_student": "Random students", "other_film": "Other films", "film_mean": "Mean map", "centre": "Middle"}
_COLOURS = "cividis"
ABOUT = (
    "The mean of the features over channels after each stage (KD-FMV), from the image on, each map on its own scale. "
    "No label is asked: this is what a model has kept of the film so far, not why it answers."
)
HELD = (
    "Rank correlation of the maps, beside what it has to exceed: eight students of random weights, the same student on "
    "other films, its mean map over them, a bump in the middle. Ceiling: the teacher under light noise."
)


def show_depth(run: Run, film: Film) -> None:
    """A switch, and once it is on a row of maps a model and its agreement with the teacher by depth."""
    st.header("Features by depth", anchor=False)
    if not st.toggle("Show what each stage has kept of the film", key="depth"):
        return
    with layout.boundary():
        features = computing.by_depth(run, film, other_films(run, film, access.images_here))
        st.caption(ABOUT)
        for name, levels in features.maps.items():
            st.markdown(MEMBER_NAMES[name])
            with st.container(horizontal=True):
                for level in levels:
                    cells = f"{level.shape[0]} × {level.shape[1]} cells"
                    alt = f"Features of the {MEMBER_NAMES[name].lower()}, {cells}"
                    st.image(coloured(level), caption=cells, width=_PX, alt=alt)
        for name, agreements in features.agreements.items():
            st.markdown(
                f"Teacher and {MEMBER_NAMES[name].lower()}, rank correlation of the maps beside its chance lines"
            )
            table = depth_table(agreements)
            digits = {column: st.column_config.NumberColumn(format="%.2f") for column in table.select_dtypes("float")}
            layout.table(table, hide_index=True, column_config=digits, key=f"depth_{name}")
        if features.agreements:
            st.caption(HELD)


def coloured(level: np.ndarray) -> np.ndarray:
    """A map (h, w) as cells of colour, uint8 (H, W, 3), from its least to its largest value."""
    low, high = float(level.min()), float(level.max())
    grey = np.rint(255 * (level - low) / ((high - low) or 1)).astype(np.intp)
    times = max(1, _PX // level.shape[0])
    return np.asarray(colour_table(_COLOURS)[grey].repeat(times, 0).repeat(times, 1))


def depth_table(agreements: tuple[DepthAgreement, ...]) -> pd.DataFrame:
    """A row a depth: the agreement, what it has to exceed, the ceiling, and whether it is above all lines."""
    return pd.DataFrame(
        [
            {
                "Depth": one.depth,
                "Cells": f"{one.grid[0]} × {one.grid[1]}",
                "Agreement": round(one.spearman, 2),
                **{_SHORT[line.name]: round(line.high, 2) for line in one.lines},
                "Ceiling": round(one.ceiling, 2),
                "Above chance": {True: "yes", False: "no", None: "not known"}[one.above_chance],
            }
            for one in agreements
        ]
    )
