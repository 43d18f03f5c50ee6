"""What the agreement of maps is held against: a run's maps of other films, and random students."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cxrkd.config import Member
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.runs import Run
from cxrkd.runs.reference import FILE as REFERENCE
from cxrkd.runs.reference import read_reference

if TYPE_CHECKING:
    from cxrkd.explain.baselines import Twins
    from cxrkd.explain.yardsticks import Reference


def references(run: Run, method: str) -> dict[Member, Reference]:
    """What the run keeps about maps of other films; see `read_reference`."""
    return _references(stamp(run.path / REFERENCE), method, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _references(key: tuple[str, int], method: str, _run: Run) -> dict[Member, Reference]:
    return read_reference(_run, method)


@st.cache_resource(max_entries=1, show_spinner=False)
def twins() -> Twins:
    """Random students, which hang on no film and no visitor: those of two kinds of students."""
    from cxrkd.explain.baselines import N_RANDOM, Twins

    return Twins(2 * N_RANDOM)
