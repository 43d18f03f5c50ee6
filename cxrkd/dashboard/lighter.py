"""Where an answer should come quickly: another run's student that is as good for fewer multiply-adds, offered."""

from __future__ import annotations

import streamlit as st

from cxrkd.dashboard import layout
from cxrkd.dashboard.caching import run_figures, showcases
from cxrkd.runs import Run
from cxrkd.runs.between import lighter
from cxrkd.runs.choosing import finished_runs


def offer(run: Run) -> None:
    """One sentence and a button; nothing where no student is lighter and as good on the same films."""
    offered = lighter(run, finished_runs(), showcases.complexities, run_figures.apart)
    if offered is None:
        return
    with st.container(border=True):
        st.markdown(f":material/bolt: {layout.literal(offered.sentence)}")
        layout.offer_run(offered.run, key="lighter")
