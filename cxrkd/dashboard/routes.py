"""Which pages there are, and links between them that also work when a page runs alone."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

from cxrkd.places import APP, ASSETS, SITE

LOGO = ASSETS / "logo.svg"
ICON = ASSETS / "icon.svg"


@dataclass(frozen=True)
class Route:
    """One page: its file stem, the title in the sidebar, a Material symbol and its section."""

    name: str
    title: str
    icon: str
    section: str

    @property
    def path(self) -> Path:
        """Absolute path of the page's script, so that the working directory does not matter."""
        return SITE / "pages" / f"{self.name}.py"


ROUTES: tuple[Route, ...] = (
    Route("overview", "Overview", ":material/monitoring:", ""),
    Route("classify", "Classify", ":material/radiology:", "Use"),
    Route("explain", "Explain", ":material/visibility:", "Use"),
    Route("watch", "Watch", ":material/notifications_active:", "Use"),
    Route("on_device", "On device", ":material/smartphone:", "Use"),
    Route("audit", "Audit", ":material/fact_check:", "Measure"),
    Route("results", "Results", ":material/show_chart:", "Measure"),
    Route("efficiency", "Efficiency", ":material/speed:", "Measure"),
    Route("studies", "Studies", ":material/grid_on:", "Measure"),
    Route("distill", "Distil", ":material/science:", "Make"),
    Route("data", "Data", ":material/database:", "Make"),
)
BY_NAME: dict[str, Route] = {route.name: route for route in ROUTES}


def sections() -> dict[str, list[StreamlitPage]]:
    """The navigation of `app.py`: section heading -> pages. The first page is the default."""
    pages: dict[str, list[StreamlitPage]] = {}
    for index, route in enumerate(ROUTES):
        page = st.Page(route.path, title=route.title, icon=route.icon, url_path=route.name, default=index == 0)
        pages.setdefault(route.section, []).append(page)
    return pages


def enter_by_app() -> None:
    """Run `app.py` around a page that was opened by its address before anybody had opened the app itself.

    Until `st.navigation` is called once in a server's life, Streamlit takes the folder `pages` for its older navigation
    and runs such a page without the frame.
    """
    if PagesManager.uses_pages_directory:
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()


def link(name: str, label: str | None = None, asked: Mapping[str, str] | None = None) -> None:
    """A link to a page; plain text where the page runs outside `app.py` and the sibling is unknown.

    Args:
        name: of the page.
        label: of the link; the page's title if not given.
        asked: what its address asks for.
    """
    route = BY_NAME[name]
    try:
        st.page_link(route.path, label=label or route.title, icon=route.icon, query_params=dict(asked or {}))
    except StreamlitAPIException:
        st.markdown(f"{route.icon} {label or route.title}")
