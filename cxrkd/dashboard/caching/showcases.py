"""The first look at a run, and what its members cost: as the run keeps it, else computed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cxrkd.config import Member
from cxrkd.dashboard.caching import loaded
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.runs import Run
from cxrkd.runs.showcase import FILE as SHOWCASE
from cxrkd.runs.showcase import FilmOf, Showcase, make_showcase, read_showcase

if TYPE_CHECKING:
    from cxrkd.cost.complexity import Complexity


def kept(run: Run) -> Showcase | None:
    """What the run keeps for the first look at it; None where it keeps nothing that is of these weights."""
    weights = tuple(stamp(run.weights_path(member)) for member in run.members())
    return _kept((stamp(run.path / SHOWCASE), *weights), run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(key: tuple[tuple[str, int], ...], _run: Run) -> Showcase | None:
    return read_showcase(_run)


def made(run: Run, film_of: FilmOf) -> Showcase:
    """The same of a run that keeps none, computed now."""
    return _made(tuple(stamp(run.weights_path(member)) for member in run.members()), run, film_of)


@st.cache_resource(max_entries=16, show_spinner=False)
def _made(key: tuple[tuple[str, int], ...], _run: Run, _film_of: FilmOf) -> Showcase:
    return make_showcase(_run, _film_of, lambda member: loaded.model(_run, member))


def complexities(run: Run) -> dict[Member, Complexity]:
    """Parameters, MACs and size of every member."""
    return {member: complexity(run, member) for member in run.members()}


def complexity(run: Run, member: Member) -> Complexity:
    """Parameters, MACs and size of a member: as the run keeps them, else counted now."""
    known = kept(run)
    if known is not None and member in known.costs:
        return known.costs[member]
    return _complexity(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=16, show_spinner="Counting parameters and multiply-adds")
def _complexity(key: tuple[str, int], _run: Run, _member: Member) -> Complexity:
    from cxrkd.cost.count import count

    return count(loaded.model(_run, _member))
