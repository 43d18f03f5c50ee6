"""What a visitor sees while the models are busy, and that only what is not known is asked."""

import threading
from concurrent.futures import CancelledError

import pytest

from cxrkd.dashboard import asking, waiting
from cxrkd.dashboard.caching import visitors
from cxrkd.dashboard.waiting import sentence
from cxrkd.runtime.compute import ComputeQueue
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page, words
from tests.dashboard.test_uploads import file, film

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures
PATIENCE_S = 60


@pytest.mark.parametrize(
    ("done", "total", "before", "expected"),
    [
        (0, 1, None, "The models look."),
        (0, 2, 0, "The models look."),
        (0, 2, 1, "1 visitor before you; then the models look."),
        (3, 8, 2, "2 visitors before you; then the models look: 3 of 8 done."),
        (3, 8, None, "The models look: 3 of 8 done."),
    ],
)
def test_the_place_in_the_line_in_words(done, total, before, expected):
    assert sentence("the models look", done, total, before) == expected


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    """Pages of all tests are one session to Streamlit, which keeps what it was told."""
    known = visitors.Kept(limit=99)
    monkeypatch.setattr(visitors, "kept", lambda kind: known)


def test_what_is_known_is_not_asked_again(sample_home, monkeypatch):
    page = open_page("classify")
    assert_healthy(page)
    monkeypatch.setattr(asking, "shared", lambda: pytest.fail("asked again"))
    page.run()
    assert_healthy(page)
    page.multiselect[0].set_value(page.multiselect[0].value)
    assert_healthy(page.run())


def test_kept_results_are_bounded():
    kept = visitors.Kept(limit=2)
    for i in range(3):
        kept.put(i, i * 10)
        kept.get(1)
    assert [kept.get(i) for i in range(3)] == [None, 10, 20]


@pytest.fixture
def held(monkeypatch):
    """A queue whose one worker is held, and which takes one more visitor."""
    queue, begun, opened = ComputeQueue(workers=1, limit=1), threading.Event(), threading.Event()

    def hold(items):
        begun.set()
        assert opened.wait(PATIENCE_S)
        return items

    queue.ask("first", "first", hold, None)
    assert begun.wait(PATIENCE_S)
    monkeypatch.setattr(asking, "shared", lambda: queue)
    yield queue, opened
    opened.set()
    queue.close()


def test_a_full_line_is_a_sentence_and_a_way_to_ask_again(sample_home, held):
    queue, opened = held
    second = queue.ask("second", "second", list, 1)
    page = open_page("classify")
    assert_healthy(page)
    assert "The server is busy: 1 visitors wait" in words(page).replace("\\", "")
    assert not page.dataframe
    opened.set()
    second.result()
    next(b for b in page.button if b.label == "Ask again").click().run()
    assert_healthy(page)
    assert "busy" not in words(page)
    assert page.dataframe


class LeftError(Exception):
    """What Streamlit raises in the script of a visitor who does not wait any more, by another name."""


def test_who_leaves_while_waiting_is_not_computed(held, monkeypatch):
    def leave():
        raise LeftError

    queue, opened = held
    ticket = queue.ask("second", "second", list, 1)
    monkeypatch.setattr(waiting, "QUIET_S", 0)
    monkeypatch.setattr(waiting.session, "current", leave)
    with pytest.raises(LeftError):
        waiting.for_all([ticket], "The models look")
    assert ticket.done()
    third = queue.ask("third", "third", list, 1)
    assert third.before() == 0, "the place is free again"
    opened.set()
    third.result()
    with pytest.raises(CancelledError):
        ticket.result()


def charts(page):
    return [chart for chart in page.get("plotly_chart") if "probs_" in chart.proto.id]


def test_of_many_films_those_are_drawn_that_are_opened(sample_home):
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    page.file_uploader(key="classify_upload").set_value([file(f"{i}.png", film(i)) for i in range(5)]).run()
    assert_healthy(page)
    assert len(page.dataframe[0].value) == 5, "all are answered"
    assert len(charts(page)) == 1
    third = [box for box in page.expander if "**" in box.label][2].proto.id.split("-", 2)[2]
    page.session_state[third] = True
    page.run()
    assert_healthy(page)
    assert len(charts(page)) == 2
