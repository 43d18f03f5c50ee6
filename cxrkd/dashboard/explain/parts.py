"""The parts that a logit is the sum of, on the Explain page; nothing of explainers without parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from cxrkd.answers.explanation import Explanation
from cxrkd.answers.parts import has_parts, sum_sentence
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import layout
from cxrkd.dashboard.tables import minus

_DIGITS = {name: st.column_config.NumberColumn(format="%.2f") for name in ("Score", "Share of the film", "Alone")}


def parts_table(members: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row a part, by member -> its figures: what it counts, how large it is, what it says alone."""
    return pd.DataFrame(
        [
            {
                "Model": MEMBER_NAMES[name],
                "Part": part["place"],
                "Score": part["score"],
                "Share of the film": part["area"],
                "Alone": part["alone"],
            }
            for name, figures in members.items()
            for part in figures["parts"]
        ]
    )


def show_parts(explanation: Explanation, label: str) -> None:
    """A sentence a member and all parts in a table, where the explainer has parts that add up."""
    k = explanation.labels.index(label)
    members = {str(m): explanation.maps.figures(m, k) for m in explanation.members}
    if not all(map(has_parts, members.values())):
        return
    for name, figures in members.items():
        st.markdown(f"{MEMBER_NAMES[name]}: {minus(sum_sentence(figures))}.")
    with st.expander("All parts"):
        table = parts_table(members)
        layout.table(table, hide_index=True, key="parts_all", column_config=_DIGITS)
        st.caption("Score: what a part adds to the logit, on average over all orders in which parts can be shown.")
