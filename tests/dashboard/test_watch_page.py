"""The Watch page: asked for, at work, stopped; what stands on top, and what a visitor may not see or do."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.access.record import read_acts
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.charts import watching as charts
from cxrkd.dashboard.watching import making, showing
from cxrkd.errors import AccessError
from cxrkd.jobs import queue
from cxrkd.jobs.asked import by_page
from cxrkd.jobs.execute import execute
from cxrkd.jobs.state import read_state, write_state
from cxrkd.runs.watching import job as watch_job
from cxrkd.runs.watching.arrivals import Signature
from cxrkd.runs.watching.comparison import Comparison
from cxrkd.runs.watching.job import WatchConfig, list_watches
from cxrkd.runs.watching.making import watch_of
from cxrkd.runs.watching.store import FilmRow, Store
from tests import toys

PATIENT = "doe_jane.png"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without shipped runs, one folder that pages may read, and no process that is started."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CXRKD_DATA", str(tmp_path / "open"))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", routes.SITE / "no-such-folder")
    monkeypatch.setattr(access, "current", lambda: THIS_MACHINE)
    monkeypatch.chdir(routes.SITE)
    started = []
    monkeypatch.setattr(making, "start_apart", started.append)
    (tmp_path / "open" / "scans").mkdir(parents=True)
    (tmp_path / "closed").mkdir()
    toys.everywhere(monkeypatch, tmp_path / "site")
    return tmp_path, started


@pytest.fixture
def run(home):
    return toys.finished_run(toys.tiny_config("small", patients=40))


def show():
    return AppTest.from_file(routes.BY_NAME["watch"].path, default_timeout=60).run()


def text(page):
    kinds = (page.markdown, page.caption, page.error, page.warning, page.header, page.metric)
    cells = [str(frame.value.to_dict("list")) for frame in page.dataframe]
    return "\n".join([*(str(element.value) for kind in kinds for element in kind), *cells])


def watch(run, folder):
    members = ("teacher", "distilled")
    return watch_of(WatchConfig(run=run.id, members=members, folder=folder))


def answered(job, *films):
    """Films of given (differing calls, largest difference, called findings)."""
    with Store(job.path) as store:
        for n, (differing, largest, called) in enumerate(films):
            digest = f"{n}" * 64
            row = FilmRow(
                0,
                digest,
                f"{n}_{PATIENT}",
                time.time(),
                1.5,
                20.0,
                Comparison(3, 3 - differing, largest, "Left"),
                {"teacher": called, "distilled": []},
                {"teacher": "says", "distilled": "says"},
            )
            store.add(row, Signature(n, n))
        store.pass_over(f"bad_{PATIENT}", Signature(1, 1), "refused", "The file is empty (0 bytes).")


def test_nothing_is_watched_yet(run):
    page = show()
    assert not page.exception
    assert not page.error
    assert "No folder is watched on this machine yet" in text(page)
    assert "python -m cxrkd watch DIR" in text(page)


def test_a_click_watches_an_open_folder_and_records_it(home, run):
    path, started = home
    page = show()
    page.text_input(key="watch_folder").input("scans")
    page.button[0].click()
    page.run()
    assert not page.error
    (job,) = list_watches()
    assert job.config.folder == path / "open" / "scans"
    assert job.config.members == ("teacher", "distilled")
    assert by_page(job)
    assert [one.path for one in started] == [job.path]
    assert [(act.what, act.on, act.outcome) for act in read_acts()] == [("watch", job.id, "done")]


@pytest.mark.parametrize("name", ["closed", "../closed", "/etc", "open/none", "", "\x00"])
def test_a_folder_that_is_not_open_is_neither_watched_nor_spoken_of(home, run, name):
    path, started = home
    with pytest.raises(AccessError, match="This folder is not one that pages may read"):
        making.start(THIS_MACHINE, run, name.replace("closed", str(path / "closed")), force=False)
    assert (list_watches(), started) == ([], [])


def test_who_only_looks_watches_nothing(home, run, monkeypatch):
    looks = Person("look", "abc")
    with pytest.raises(AccessError):
        making.start(looks, run, "scans", force=False)
    job = watch(run, home[0] / "open" / "scans")
    answered(job, (1, 0.4, ["Left"]))
    monkeypatch.setattr(access, "current", lambda: looks)
    page = show()
    assert not page.exception
    assert not [button for button in page.button if button.label in ("Go on", "Stop watching", "Watch it")]
    assert "A finding is called on 1 of 1 films" in text(page)


def test_no_more_folders_are_watched_at_once_than_allowed(home, run, monkeypatch):
    monkeypatch.setenv("CXRKD_MAX_WATCHES", "1")
    job = making.start(THIS_MACHINE, run, "scans", force=False)
    at_work(job, monkeypatch)
    (home[0] / "open" / "more").mkdir()
    with pytest.raises(AccessError, match="at most 1 watched folders at once"):
        making.start(THIS_MACHINE, run, "more", force=False)


def at_work(job, monkeypatch):
    """As if its process lived."""
    write_state(job.path, read_state(job.path).at_rest("running"))
    monkeypatch.setattr("cxrkd.jobs.state._lives", lambda *_: True)


def test_films_on_which_they_differ_stand_on_top(home, run):
    job = watch(run, home[0] / "open" / "scans")
    answered(job, (0, 0.1, []), (1, 0.2, ["Left"]), (2, 0.15, []), (1, 0.3, ["Left", "Right"]))
    page = show()
    assert not page.exception
    worst, latest = (frame.value for frame in page.dataframe[:2])
    assert list(worst["Calls that differ"]) == [2, 1, 1]
    np.testing.assert_allclose(worst["Largest difference"], [0.15, 0.3, 0.2])
    assert list(latest["Film"]) == [f"{n}_{PATIENT}" for n in (3, 2, 1, 0)]
    shown = text(page)
    assert "A finding is called on 2 of 4 films" in shown.replace("\\", "")
    assert "Teacher: Left, Right." in shown.replace("\\", "")
    assert "66.7 %" in shown, "8 of 12 calls agree"
    assert "The file is empty" in shown


def test_a_name_is_no_markup_in_a_chart():
    row = FilmRow(1, "0" * 64, "", 0.0, 1.5, 20.0, Comparison(3, 2, 0.2, "Left"), {}, {})
    for chart in (charts.differences, charts.latency):
        traces = chart([row], ["<b>film</b>"]).data
        assert [text for trace in traces for text in trace.text] == ["&lt;b&gt;film&lt;/b&gt;"]


def test_of_a_folder_that_is_not_open_no_name_is_shown(home, run):
    job = watch(run, home[0] / "closed")
    answered(job, (1, 0.2, ["Left"]))
    page = show()
    shown = text(page)
    assert "0" * 12 in shown
    for secret in (PATIENT, "doe", "closed", str(home[0])):
        assert secret not in shown
    with pytest.raises(AccessError):
        making.go_on(THIS_MACHINE, job)


def test_a_watch_that_is_silent_or_without_its_folder_says_so(home, run, monkeypatch):
    from cxrkd.jobs.files import write_json

    job = watch(run, home[0] / "open" / "scans")
    at_work(job, monkeypatch)
    assert "Loading the networks" in text(show())
    write_json(job.path / watch_job.NOW, {"version": 1, "t": time.time(), "gone": "", "waiting": 3})
    assert "3 files wait" in text(show())
    write_json(job.path / watch_job.NOW, {"version": 1, "t": time.time() - 300, "gone": "", "waiting": 0})
    assert "has not looked for 5 min" in text(show())
    write_json(job.path / watch_job.NOW, {"version": 1, "t": time.time(), "gone": "The folder is gone", "waiting": 0})
    assert "The folder is gone" in text(show())


def test_it_is_stopped_gone_on_with_and_deleted(home, run, monkeypatch):
    job = making.start(THIS_MACHINE, run, "scans", force=False)
    page = show()
    assert "Nobody watches now" in text(page)
    next(button for button in page.button if button.label == "Go on").click()
    page.run()
    assert len(home[1]) == 2
    queue.cancel(job)
    page = show()
    next(button for button in page.button if button.label == "Delete for good").click()
    page.run()
    assert list_watches() == []


def test_what_a_page_has_started_answers_films(home, run, monkeypatch):
    """The job that the click made, executed here instead of in its own process."""
    from cxrkd.data.phantom import render
    from tests.images.conftest import encode

    monkeypatch.setattr("cxrkd.runs.watching.arrivals.SETTLE_S", 0.05)
    job = making.start(THIS_MACHINE, run, "scans", force=True)
    (home[0] / "open" / "scans" / "a.png").write_bytes(encode(render(31, 0, 0, 96).pixels))
    once = watch_of(job.config.model_copy(update={"once": True, "engine": "pytorch"}))
    execute(once)
    page = show()
    assert not page.exception
    assert next(metric.value for metric in page.metric) == "1"
    assert showing.folder_is_open(once)
