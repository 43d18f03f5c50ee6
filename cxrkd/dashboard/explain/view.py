"""Which view of the Explain page is asked for: by its address, or by the visitor who was here before.

The address follows what is chosen, so that a reload, the browser's way back and a link show the same; the session
keeps it while another page is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urljoin

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxrkd.dashboard import layout, session
from cxrkd.dashboard.explain.link import PARAMETERS, View, link
from cxrkd.runs import Run
from cxrkd.text import shown

SOURCE = "explain_source"
"""Key of the first widget of the page: where it is not known, the page was just opened."""


NOTHING = View()


def asked() -> View:
    """The view to open, which is not shown yet; NOTHING where the page goes on with what its widgets say.

    The run of a link is selected here, before the frame of the page shows it.
    """
    chosen, entered = session.current(), SOURCE not in st.session_state
    view = View(**{name: st.query_params.get(name, "") for name in PARAMETERS}, linked=True)
    if view == NOTHING:
        return chosen.view if entered and chosen.view is not None else NOTHING
    # A page that is asked twice in a moment may come with the address that it had before: that is no link.
    new = view != chosen.view and (_went_back() or view not in chosen.views)
    if not entered and not new:
        return NOTHING
    if view.run:
        session.select_run(view.run)
    return view


def _went_back() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def opened(view: View) -> None:
    """The widgets were told: from now on they say what is shown."""
    if view != NOTHING:
        session.current().views.add(view)


def keep(view: View) -> None:
    """Write what is shown into the address, and remember it."""
    chosen = session.current()
    chosen.view = view
    chosen.views.add(view)
    for name, value in view.params().items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def offer_link(view: View) -> None:
    """The address of what is shown, to be copied."""
    look = {name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMETERS}
    query = "".join(f"&{urlencode({name: values}, doseq=True)}" for name, values in look.items())
    address = urljoin(st.context.url or "", link(view.run, view.film, view.label, view.method) + query)
    with st.popover("Link to this view", icon=":material/link:"):
        st.code(address, language=None, wrap_lines=True)
        st.caption("Opens this very view. A file of yours is not in the link: the page asks for it.")


def refuse_run(view: View, run: Run) -> None:
    """Say that another run is shown than the link asks for."""
    if view.linked and view.run and view.run != run.id:
        refuse(f"run {shown(view.run)}, which is not on this machine", f"{layout.run_title(run)}")


def refuse(asked_for: str, instead: str) -> None:
    """Say what of a link cannot be shown, and what is shown instead."""
    sentence = f"This link asks for {asked_for}. Shown is {instead}."
    st.warning(layout.literal(sentence), icon=":material/link_off:")


def seeded(view: View, name: str, key: str, options: Sequence[str]) -> None:
    """Give a widget the value that a view asks for, or say that there is none such.

    Args:
        view: what is asked for.
        name: of its attribute, and for people: `label` or `method`.
        key: of the widget.
        options: of the widget.
    """
    value = str(getattr(view, name))
    if value in options:
        st.session_state[key] = value
    elif value and view.linked:
        refuse(f"{name} {shown(value)}, which is none of {', '.join(options)}", f"another {name}")
