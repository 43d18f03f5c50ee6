"""Pages beside a damaged run: everything else stays, and the damaged one is named, explained and deleted."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.dashboard import engines
from cxrkd.dashboard.caching import ahead
from cxrkd.dashboard.efficiency import latency
from cxrkd.jobs import launch, queue
from cxrkd.jobs.files import write_json
from cxrkd.jobs.job import own_jobs
from cxrkd.runs import list_runs, open_run
from tests import toys
from tests.dashboard.test_pages import GUESSED, ROOT, TIMEOUT, at_once, chosen


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A good run, and three that are damaged in another way each."""
    toys.everywhere(monkeypatch, tmp_path / "site")
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", tmp_path / "none")
    monkeypatch.setattr(queue, "ensure_worker", lambda: None)
    monkeypatch.setattr(engines, "choose", lambda run, member, network: chosen("pytorch", network))
    monkeypatch.setattr(latency, "ENGINES", ("pytorch",))
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: at_once(lambda: GUESSED))
    toys.small_run("good", maps=False)
    for name, file, text in (
        ("typed", "state.json", '{"status": "done", "progress": "much"}'),
        ("newer", "config.json", '{"version": 99}'),
        ("unlabelled", "labels.json", "{}"),
    ):
        (toys.small_run(name, maps=False).path / file).write_text(text)
    return tmp_path


def opened(name):
    return AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=TIMEOUT).run()


@pytest.mark.parametrize("name", ["overview", "results"])
def test_the_other_runs_stay_on_every_page(home, name):
    page = opened(name)
    assert not page.exception
    assert not any("went wrong on our side" in error.value for error in page.error)
    (chooser,) = [box for box in page.sidebar.selectbox if box.label.startswith("Run shown")]
    assert chooser.value == "good"
    assert len(chooser.options) == 2  # the unlabelled one can be chosen still, and then says what is wrong


def test_distil_lists_a_damaged_run_says_why_and_deletes_it(home):
    page = opened("distill")
    assert not page.exception
    status = dict(zip(page.dataframe[0].value["Run"], page.dataframe[0].value["Status"], strict=True))
    assert status == {"good": "done", "typed": "unreadable", "newer": "unreadable", "unlabelled": "unreadable"}
    assert any("queue is at rest" in caption.value for caption in page.caption)
    assert any("newer cannot be read" in caption.value for caption in page.caption)
    page.session_state["followed"] = "newer"
    (home / "runs" / "good").rename(home / "good")  # so that the page follows a damaged one
    (home / "runs" / "unlabelled").rename(home / "unlabelled")
    (home / "runs" / "typed").rename(home / "typed")
    page = opened("distill")
    assert any("newer cxrkd" in error.value for error in page.error)
    next(button for button in page.button if button.label == "Delete for good").click().run()
    assert not page.exception
    assert list_runs() == []


def test_distil_says_that_the_worker_does_not_start(home):
    state = json.loads((open_run("good").path / "state.json").read_text())
    write_json(open_run("good").path / "state.json", state | {"status": "queued"})
    write_json(own_jobs() / launch.START, {"version": 1, "token": "t", "place": launch.place(), "started": 1e9})
    write_json(own_jobs() / launch.END, {"version": 1, "token": "t", "code": 1, "ended": 1e9})
    (own_jobs() / launch.WORKER_LOG).write_text("ImportError: numexpr\n")
    page = opened("distill")
    assert any("The worker died at its start" in error.value and "numexpr" in error.value for error in page.error)
