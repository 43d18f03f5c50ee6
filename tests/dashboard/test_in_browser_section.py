"""On device, the section on the visitor's own browser: made when asked for, framed, and refused with a sentence."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.access.roles import Person
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.on_device.browser import document
from cxrkd.dashboard.serving.browser_door import address
from cxrkd.export import exported
from cxrkd.runs import open_run
from tests.dashboard import test_on_device_page
from tests.dashboard.test_pages import words

toy_home = test_on_device_page.toy_home  # a fixture
FILES = {"index.html": b"<title>app</title>"}


def opened():
    return AppTest.from_file(routes.BY_NAME["on_device"].path, default_timeout=120).run()


def button(page, label="Prepare the app"):
    return [one for one in page.button if one.label == label]


@pytest.fixture
def empty(toy_home):
    """No app is kept."""
    for path in exported.folder_of_apps().glob("*"):
        for file in path.rglob("*"):
            file.unlink()
        path.rmdir()


def test_nothing_is_made_before_it_is_asked_for(toy_home, empty):
    page = opened()
    assert button(page)
    assert not exported.is_kept(open_run("small"), "distilled")
    assert page.get("iframe") == []


def test_a_network_that_no_browser_can_hold_is_a_sentence_and_the_other_forms_stay(toy_home, empty):
    page = opened()
    button(page)[0].click().run()
    assert not page.exception
    assert "head begins with a global mean pool" in page.error[0].value
    assert button(page, "Prepare")


def test_an_app_that_is_kept_is_framed_and_opens_alone(toy_home, empty):
    run = open_run("small")
    exported.keep(run, "distilled", FILES)
    page = opened()
    place = address("", exported.key(run, "distilled"))
    (frame,) = page.get("iframe")
    assert frame.proto.src.endswith(place)
    (link,) = page.get("link_button")
    assert link.proto.url == place
    assert button(page) == []


def test_who_may_only_look_makes_no_app_and_may_open_one(toy_home, empty, monkeypatch):
    monkeypatch.setattr(access, "current", lambda: Person("look", "abc"))
    page = opened()
    assert button(page) == []
    assert "needs the role make" in words(page)
    exported.keep(open_run("small"), "distilled", FILES)
    assert opened().get("iframe")


def test_what_is_handed_over_is_plain_json(toy_home):
    import numpy as np

    from cxrkd.answers.answer import Answer, MemberAnswer
    from cxrkd.images.film import Film

    tones = np.arange(16, dtype=np.uint8).reshape(4, 4)
    teacher = MemberAnswer("pytorch", np.array([0.25, np.nan]), np.array([0.5, np.nan]), 1.0)
    film = Film("Doe_John_1950.png", tones, lambda: tones / 255.0, notes=("a note",))
    told = json.loads(json.dumps(document(Answer(film, ("A", "B"), {"teacher": teacher}, ""))))
    assert told["teacher"] == {"title": "Teacher", "probs": [0.25, None], "thresholds": [0.5, None]}
    assert (told["name"], told["notes"], told["gate"]["passed"]) == ("Film", ["a note"], True)
    assert "Doe" not in json.dumps(told), "browsers keep addresses"
