"""Progress is told forwards only, and time left only where it is known."""

import math

import pytest

from cxrkd.jobs.events import append_event, read_events
from cxrkd.jobs.progress import JobProgress
from cxrkd.jobs.reporter import Reporter
from cxrkd.jobs.state import JobState, read_state, write_state


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.progress.WRITE_EVERY_S", 0.0)
    (tmp_path / "run").mkdir()
    write_state(tmp_path / "run", JobState("queued"))
    return tmp_path / "run"


def test_what_was_reached_stays_reached_whatever_the_stages_weigh_after_a_resume(folder):
    first = JobProgress(folder, {"data": 1.0, "teacher": 1.0, "student": 2.0})
    first.done |= {"data"}
    first.begin("teacher", "Training")
    first.update("Training", 0.8)
    reached = read_state(folder).progress
    assert reached == pytest.approx(0.45)

    second, told = JobProgress(folder, {"data": 1.0, "teacher": 1.0, "student": 20.0}), []
    for stage, fractions in (("data", (0.5, 1.0)), ("teacher", (0.1, 0.9)), ("student", (0.2, 0.6, 1.0))):
        second.begin(stage, "Again")
        told.append(read_state(folder).progress)
        for fraction in fractions:
            second.update("Again", fraction)
            told.append(read_state(folder).progress)
        second.end(stage)
    assert told[0] == reached
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("eta_s", [None, math.nan, math.inf, -5.0])
def test_time_left_is_told_only_where_it_is_known(folder, eta_s):
    progress = JobProgress(folder, {"data": 1.0})
    progress.begin("data", "Preparing")
    progress.update("Preparing", 0.0, eta_s)
    assert read_state(folder).eta_s is None
    progress.update("Preparing", 0.5, 10.0)
    assert read_state(folder).eta_s == 10.0


def test_events_of_a_run_tell_progress_forwards_too(folder):
    for fractions in ((0.2, 0.7), (0.1, 0.4, 0.9)):  # killed, and trained again from the last epoch
        reporter = Reporter(folder)
        reporter.plan({"teacher": 1.0, "student": 1.0})
        with reporter.stage("teacher", "Training") as tell:
            for fraction in fractions:
                tell({"kind": "progress", "fraction": fraction})
        (folder / "work" / "stages.json").unlink()
    events = [event for event in read_events(folder / "events.jsonl") if event["kind"] == "progress"]
    assert [event["fraction"] for event in events] == [0.2, 0.7, 0.7, 0.7, 0.9]
    assert [event["progress"] for event in events] == [0.1, 0.35, 0.35, 0.35, 0.45]


@pytest.mark.parametrize("record", ["", "[]", "{", '{"teacher": "x"}', '{"teacher": -1}'])
def test_a_damaged_record_costs_time_and_not_the_run(folder, record):
    append_event(folder / "events.jsonl", {"kind": "progress", "stage": "teacher", "fraction": 0.5})
    (folder / "work").mkdir()
    (folder / "work" / "stages.json").write_text(record)
    assert not Reporter(folder).is_done("teacher")
