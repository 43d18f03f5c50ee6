"""Buttons that write a report when they are pressed: as a page, and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from cxrkd.names import file_name

_FORMS = (("Report", ".html", "text/html"), ("Report as JSON", ".json", "application/json"))


def offer(write: Callable[[str], str], stem: str, *, key: str, note: str) -> None:
    """Both buttons.

    Args:
        write: ending (`.html`, `.json`) -> the report.
        stem: of the file's name.
        key: of the buttons.
        note: what the report is, and whose names are not in it.
    """
    with st.container(horizontal=True):
        for title, ending, mime in _FORMS:
            st.download_button(
                title,
                partial(write, ending),
                f"{file_name(stem, n_bytes=200)}{ending}",
                mime,
                key=f"{key}{ending}",
                on_click="ignore",
                help=note,
                icon=":material/summarize:",
            )
