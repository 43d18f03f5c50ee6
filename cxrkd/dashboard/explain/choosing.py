"""Widgets of the Explain page: which film, and which label of it. A link or an earlier visit can choose for them."""

from __future__ import annotations

import streamlit as st

from cxrkd.answers.calls import ranked
from cxrkd.answers.explanation import Explanation
from cxrkd.answers.truth import is_present, marked
from cxrkd.dashboard import layout, session, sources
from cxrkd.dashboard.explain import film_sets
from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.link import View, hash_in
from cxrkd.dashboard.explain.thresholds import thresholds
from cxrkd.dashboard.explain.view import SOURCE
from cxrkd.images.film import SHORT, Film
from cxrkd.labels import display_name
from cxrkd.runs import Run

FILE = "explain_file"


def choose_film(run: Run, view: View) -> tuple[Film | None, View]:
    """A film of a data set, or an upload; None where there is none yet, which the page then says.

    Args:
        run: the chosen one.
        view: what is asked for.

    Returns:
        The film, and what is asked for of it: of a file that a link has asked for, once it is given.
    """
    if view.film:
        of_file = bool(hash_in(view.film))
        st.session_state[SOURCE] = sources.UPLOADS if of_file else sources.SAMPLES
        session.current().awaited = view if of_file else None
    source = sources.choose_source(run, "Image", SOURCE)
    views.opened(view)
    if source == sources.SAMPLES:
        session.current().awaited = None
        return film_sets.choose_film(run, view), view
    return _choose_upload(run, view)


def _choose_upload(run: Run, view: View) -> tuple[Film | None, View]:
    uploads, awaited = dict(sources.remember_uploads("explain_upload")), session.current().awaited
    if not uploads:
        _ask_for_upload(run, awaited)
        return None, view
    layout.suit_uploads(run)
    size = run.config.data.image_size
    if awaited is not None and _is_given(uploads, hash_in(awaited.film), size):
        session.current().awaited, view = None, awaited
    name = st.selectbox("File", list(uploads), key=FILE) if len(uploads) > 1 else next(iter(uploads))
    films = sources.read_uploads(((name, uploads[name]),), size, "explain")
    return (films[0] if films else None), view


def _ask_for_upload(run: Run, awaited: View | None) -> None:
    if awaited is None:
        sources.ask_for_upload(run)
        return
    layout.empty_state(
        "This link shows a file, which does not travel with it. Drop the file above whose pixels have the SHA-256 "
        f"`{hash_in(awaited.film)[:SHORT]}…`; it is checked."
    )


def _is_given(uploads: dict[str, bytes], awaited: str, size: int) -> bool:
    """Choose the file that a link asks for, whatever its name; say so where none of the files is that one."""
    digests = sources.digests(uploads, size)
    match = next((name for name, digest in digests.items() if digest == awaited), None)
    if match is not None:
        st.session_state[FILE] = match
        return True
    if digests:  # else it is said already why none can be read
        given = ", ".join(f"{layout.literal(name)} has `{digest[:SHORT]}…`" for name, digest in digests.items())
        st.warning(
            f"This is not the file of the link: its pixels have the SHA-256 `{awaited[:SHORT]}…`, {given}. What is "
            "shown is the file that you gave.",
            icon=":material/link_off:",
        )
    return False


def choose_label(run: Run, explanation: Explanation, film: Film, view: View) -> str:
    """One label of the run: at first one that is asked for, is marked on a real film, or is called.

    Args:
        run: the chosen one.
        explanation: of this film.
        film: the film.
        view: what is asked for.
    """
    probs = explanation.probs[explanation.members[0]]
    order = ranked(explanation.labels, explanation.probs, thresholds(run))
    callers = {one.label: one.callers for one in order}

    def title(label: str) -> str:
        prob = probs[explanation.labels.index(label)]
        notes = ["no answer" if prob != prob else f"{prob:.0%}"]
        notes += ["present"] if is_present(film, label) else []
        notes += [f"{callers[label]} of {len(explanation.members)} call it"] if callers[label] else []
        return f"{display_name(label)} ({', '.join(notes)})"

    # The key holds the film: a new film starts at a label that is called on it, or that is marked on a real one.
    options, key = list(callers), f"label_{film.key}"
    views.seeded(view, "label", key, options)
    shown = [label for label in options if film.real and marked(film, label) is not None]
    start = shown[0] if shown else options[0]
    st.session_state.setdefault(key, start)
    chosen = st.selectbox("Label, called ones first", options, format_func=title, key=key)
    return str(chosen or start)
