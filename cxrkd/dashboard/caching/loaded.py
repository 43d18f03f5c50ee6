"""Networks in memory, and the engine that needs no preparation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cxrkd.config import Member
from cxrkd.dashboard.caching.rules import NETWORKS_KEPT, stamp
from cxrkd.runs import Run
from cxrkd.runtime.compute import THREADS

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.protocol import Engine


def model(run: Run, member: Member) -> Classifier:
    """A member's network, in evaluation mode; explain it without hooks only, it is shared."""
    return _model(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner="Loading the models")
def _model(key: tuple[str, int], _run: Run, _member: Member) -> Classifier:
    return _run.load_model(_member)


def torch_engine(run: Run, member: Member) -> Engine:
    """PyTorch, which needs no preparation."""
    return _torch_engine(stamp(run.weights_path(member)), run, member)


@st.cache_resource(max_entries=NETWORKS_KEPT, show_spinner=False)
def _torch_engine(key: tuple[str, int], _run: Run, _member: Member) -> Engine:
    from cxrkd.runtime.select import build_engine

    return build_engine(model(_run, _member), "pytorch", threads=THREADS)
