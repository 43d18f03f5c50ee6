"""The student in the visitor's browser, on the dashboard: served, framed, and beside its teacher."""

from __future__ import annotations

import base64
import json
from typing import Any

import streamlit as st

from cxrkd.access.roles import ONLY_LOOKS
from cxrkd.answers.answer import Answer
from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard import access, asking, layout, sources
from cxrkd.dashboard.on_device import exports
from cxrkd.dashboard.serving.browser_door import address
from cxrkd.export import exported
from cxrkd.export.target import TARGETS
from cxrkd.images.film import Film
from cxrkd.plain import plain
from cxrkd.runs import Run

HEIGHT_PX = 900
NAME = "Film"
"""What the app calls the film: a file's own name may say of whom it is, and browsers keep addresses."""
WHAT = (
    "The student answers in your browser and shows where its evidence lies. It takes files and a camera, and needs no "
    "network once it is loaded. Nothing that it is shown leaves your device."
)
PHONE = (
    "On a phone, open it in its own tab and add it to the home screen. Camera and offline use need https, or this "
    "machine itself."
)
BESIDE = (
    "A film that you choose here goes to this server, whose teacher answers it, and comes to the app with that answer. "
    "A film that you choose in the app stays on your device."
)


def show(run: Run) -> None:
    """Offer the app of the run's student; where it is not made yet, a button that makes it and checks it.

    Raises:
        AccessError: the role does not allow it, or the record cannot be written.
        EngineError: the network cannot be written so, or does not answer as PyTorch does.
    """
    st.header("In your browser", anchor=False)
    member = _student(run)
    if member is None:
        layout.empty_state("This run has no student whose weights are here.")
        return
    st.markdown(WHAT)
    if not exported.is_kept(run, member):
        if not access.makes():
            layout.notice(ONLY_LOOKS)
            return
        if not st.button("Prepare the app", icon=":material/smartphone:", help=exports.HOW_LONG, key="browser_prepare"):
            return
        made = exports.prepared(run, member, TARGETS["web"])
        exported.keep(run, member, made.files)
    place = address(str(st.get_option("server.baseUrlPath") or ""), exported.key(run, member))
    st.link_button("Open in its own tab", place, icon=":material/open_in_new:")
    st.caption(PHONE)
    film = _film_beside(run)
    st.iframe(place if film is None else f"{place}#{handed_over(run, film)}", height=HEIGHT_PX)


def _student(run: Run) -> Member | None:
    members = run.members()
    return next((member for member in ("distilled", "alone") if member in members), None)


def _film_beside(run: Run) -> Film | None:
    """A film for both networks, where the visitor wants one and the run has a teacher."""
    if "teacher" not in run.members() or not st.toggle("Beside its teacher", key="browser_beside", help=BESIDE):
        return None
    st.caption(BESIDE)
    if sources.choose_source(run, "Images", "browser_source") == sources.SAMPLES:
        films = sources.choose_samples(run, "browser")
    else:
        uploads = sources.remember_uploads("browser_upload")
        films = sources.read_uploads(uploads, run.config.data.image_size, "browser")
    if len(films) < 2:
        return films[0] if films else None
    names = [film.name for film in films]
    return films[st.selectbox("Film", range(len(films)), format_func=lambda i: names[i], key="browser_film")]


def handed_over(run: Run, film: Film) -> str:
    """The film and what its teacher says of it, for the part of the app's address that is sent to nobody."""
    (answer,) = asking.answers(run, ["teacher"], [film])
    return base64.b64encode(json.dumps(document(answer)).encode()).decode()


def document(answer: Answer) -> dict[str, Any]:
    """What the app is told of a film, plain values: see `assets/web/app/beside.js`."""
    film, teacher = answer.film, answer.members["teacher"]
    gate = film.gate.to_dict() if film.gate else {"passed": True, "kind": "chest", "reason": "", "score": 1.0}
    return {
        "name": NAME,
        "tones": base64.b64encode(film.tones.tobytes()).decode(),
        "gate": gate,
        "notes": list(film.notes),
        "teacher": {
            "title": MEMBER_NAMES["teacher"],
            "probs": plain(teacher.probs),
            "thresholds": plain(teacher.thresholds),
        },
    }
