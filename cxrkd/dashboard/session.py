"""What one visitor has chosen, as a typed object in `st.session_state`.

Widgets lose their state when the visitor leaves a page; what must survive a page switch is kept here.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxrkd.errors import ImageError

if TYPE_CHECKING:  # the door of a server asks here, before any page needs these
    from cxrkd.dashboard.efficiency.costs import Measured
    from cxrkd.dashboard.explain.link import View
    from cxrkd.images.film import Film

ChosenBy = Literal["nobody", "upload", "visitor"]
_KEY = "cxrkd"


@dataclass
class Session:
    """The visitor's choices that survive a page switch.

    Attributes:
        run_id: the run every page shows and that answers uploads; None means the first one there is.
        run_by: who chose it: nobody yet, an upload that it suits better, or the visitor, whose choice is kept.
        followed_run_id: the run whose progress Distil shows.
        preview_look: which training films, and which views of them, the check of a data set shows.
        like_run_id: the run whose settings the form of a new run starts from; None means a preset.
        latencies: what was measured here, by the weights it was measured on.
        uploads: name and bytes of the radiographs in the upload box, or last in it before the page was left; no two
            have one name. In memory only, gone with the tab or when they are removed.
        in_box: ids of the files that Streamlit's store holds for the box.
        not_taken: why the server took no more files, as one sentence; empty where it took all.
        films: what each upload, by name and input size, was read to, beside its bytes. A refusal is kept too: a file
            that takes all its time to fail must not do so whenever the page is drawn.
        answered_anyway: identities of flagged films that the visitor wants answered all the same.
        view: what Explain shows, or showed last.
        views: all that it has shown or was asked for.
        awaited: a view of a file that Explain was asked for and that nobody has given yet.
        stopped: identities of explanations that the visitor wants no finer.
        exports: what was made here to take away, by weights and form.
    """

    run_id: str | None = None
    run_by: ChosenBy = "nobody"
    followed_run_id: str | None = None
    preview_look: int = 0
    like_run_id: str | None = None
    uploads: tuple[tuple[str, bytes], ...] = ()
    in_box: set[str] = field(default_factory=set)
    not_taken: str = ""
    films: dict[tuple[str, int], tuple[bytes, Film | ImageError]] = field(default_factory=dict, repr=False)
    answered_anyway: set[str] = field(default_factory=set)
    view: View | None = None
    views: set[View] = field(default_factory=set)
    awaited: View | None = None
    stopped: set[Hashable] = field(default_factory=set)
    exports: set[Hashable] = field(default_factory=set)
    latencies: dict[tuple[tuple[str, int], ...], list[Measured]] = field(default_factory=dict)


_LOCK = Lock()  # visitors come, each on a thread of their own, while others are counted
_EVERYONE: WeakValueDictionary[str, Session] = WeakValueDictionary()  # a session ends where its tab does


def current() -> Session:
    """The session of this visitor, made on the first call."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Session()
    session: Session = st.session_state[_KEY]
    context = get_script_run_ctx()
    if context is not None:
        with _LOCK:
            _EVERYONE[context.session_id] = session
    return session


def everyone() -> Mapping[str, Session]:
    """The sessions of all visitors whose tabs are open, by the id that Streamlit gives them."""
    with _LOCK:
        return dict(_EVERYONE)


def select_run(run_id: str, by: ChosenBy = "visitor") -> None:
    """Show a run on every page, and let it answer uploads."""
    session = current()
    session.run_id, session.run_by = run_id, by
