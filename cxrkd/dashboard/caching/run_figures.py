"""What a run says about its members: figures, logits, how far they can be relied on, and one against another."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.dashboard.caching.rules import NETWORKS_KEPT, stamp
from cxrkd.data.cohort import Split
from cxrkd.evaluate import PairedDifference
from cxrkd.runs import Run, between
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import Predictions
from cxrkd.runs.standing import standing_from


def metrics(run: Run, labels: Sequence[str] = ()) -> RunMetrics:
    """The figures of a run; see `Run.metrics`. With `labels` they are computed again for these alone."""
    key = stamp(run.path / "metrics.json")
    return _metrics_of(key, tuple(labels), run) if labels else _metrics(key, run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _metrics(key: tuple[str, int], _run: Run) -> RunMetrics:
    return _run.metrics()


@st.cache_resource(max_entries=32, show_spinner="Computing the figures of these findings")
def _metrics_of(key: tuple[str, int], labels: tuple[str, ...], _run: Run) -> RunMetrics:
    return _run.measure(labels)


def predictions(run: Run, member: Member, split: Split = "test") -> Predictions:
    """A member's logits on held-out images; see `Run.predictions`."""
    return _predictions(stamp(run.path / "metrics.json"), member, split, run)


@st.cache_resource(max_entries=2 * NETWORKS_KEPT, show_spinner="Reading predictions")
def _predictions(key: tuple[str, int], member: Member, split: Split, _run: Run) -> Predictions:
    return _run.predictions(member, split)


def standings(run: Run, members: Sequence[Member]) -> dict[Member, Standing]:
    """How far each of the members can be relied on, label by label."""
    return {member: _standing(stamp(run.path / "metrics.json"), member, run) for member in members}


@st.cache_resource(max_entries=16, show_spinner=False)
def _standing(key: tuple[str, int], member: Member, _run: Run) -> Standing:
    return standing_from(metrics(_run).of(member), predictions(_run, member, "val"))


def difference(run_a: Run, run_b: Run, member: Member, labels: Sequence[str] | None = None) -> PairedDifference | None:
    """AUROC of a member of one run minus that of another; see `cxrkd.runs.between.difference`."""
    keys = (stamp(run_a.path / "metrics.json"), stamp(run_b.path / "metrics.json"))
    return _difference(keys, member, None if labels is None else tuple(labels), run_a, run_b)


@st.cache_resource(max_entries=32, show_spinner="Comparing patient by patient")
def _difference(
    keys: tuple[tuple[str, int], ...], member: Member, labels: tuple[str, ...] | None, _run_a: Run, _run_b: Run
) -> PairedDifference | None:
    return between.difference(_run_a, _run_b, member, labels)


def apart(run_a: Run, run_b: Run, member: Member) -> between.Apart | None:
    """How students of two runs differ; see `cxrkd.runs.between.apart`."""
    return _apart((stamp(run_a.path / "metrics.json"), stamp(run_b.path / "metrics.json")), member, run_a, run_b)


@st.cache_resource(max_entries=32, show_spinner="Comparing patient by patient")
def _apart(keys: tuple[tuple[str, int], ...], member: Member, _run_a: Run, _run_b: Run) -> between.Apart | None:
    return between.apart(_run_a, _run_b, member)
