"""Networks as files for other runtimes, ready to be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from cxrkd.access.confine import confined
from cxrkd.config import Member
from cxrkd.dashboard.access import images_here
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.runs import Run

if TYPE_CHECKING:
    from cxrkd.export.bundle import Bundle


def exported(run: Run, member: Member, target: str) -> Bundle:
    """A member's network in the form of a target, checked on films that pages may read; see `bundle`."""
    return _exported((stamp(run.weights_path(member)), stamp(run.path / "metrics.json")), target, run, member)


@st.cache_resource(max_entries=3, show_spinner=False)  # each is as large as its network
def _exported(key: tuple[tuple[str, int], tuple[str, int]], target: str, _run: Run, _member: Member) -> Bundle:
    from cxrkd.export.bundle import bundle, require_exportable
    from cxrkd.export.films import check_films
    from cxrkd.export.target import TARGETS

    with confined():
        require_exportable(_run, _member)
        return bundle(_run, _member, TARGETS[target], check_films(_run, may_read=images_here))
