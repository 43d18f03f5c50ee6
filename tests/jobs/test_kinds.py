"""A kind of job that one file adds is made, executed, listed, watched, killed and resumed as ours are."""

import os
import signal

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.cli.main import main
from cxrkd.errors import ConfigError, DataError, RunError
from cxrkd.jobs import launch, queue
from cxrkd.jobs.execute import execute
from cxrkd.jobs.health import health
from cxrkd.jobs.job import KINDS, list_own_jobs, open_job
from cxrkd.jobs.lease import is_held
from cxrkd.jobs.queue import cancel, delete, resume
from cxrkd.runs import list_runs, open_run


@pytest.fixture
def no_worker(monkeypatch):
    monkeypatch.setattr(queue, "ensure_worker", lambda: None)


def steps(job):
    return [event["n"] for event in job.events() if event["kind"] == "step"]


def test_it_is_done_in_this_process(counting):
    job = counting(3)
    assert (job.id, job.kind.title, job.state.status) == ("some", "Counting", "interrupted")
    execute(job)
    assert (job.state.status, job.state.progress, steps(job)) == ("done", 1.0, [1, 2, 3])
    assert [line.split(" ", 1)[1] for line in job.log_tail()] == ["Counting up", "  1", "  2", "  3", "done"]
    assert job.environment()["seconds"].keys() == {"count"}


def test_what_goes_wrong_is_written_down(counting):
    job = counting(-1)
    with pytest.raises(RunError, match="from 0 on"):
        execute(job)
    assert (job.state.status, job.state.message) == ("failed", "expected a number from 0 on to count to, got -1")


def test_it_is_listed_beside_others_and_is_no_run(counting):
    job = counting(3)
    assert list_own_jobs() == [job] == [open_job("some")]
    assert job not in list_runs()
    with pytest.raises(RunError, match="another kind of job"):
        open_run("some")


def test_it_waits_in_the_queue_and_in_its_health(counting, no_worker):
    first, second = counting(3, "First"), counting(3, "Second")
    for job in (second, first):
        resume(job)
    assert list(queue.waiting()) == [first, second]
    assert health().queued == ("first", "second")
    cancel(first)
    assert queue.oldest_queued() == second


def test_of_a_kind_that_this_program_does_not_know_it_is_unreadable(counting):
    job = counting(3)
    with KINDS.adding():
        del KINDS._entries["counting"]
        unknown = open_job("some")
        assert (unknown.state.status, unknown.kind) == ("unreadable", None)
        assert "Unknown kind of job 'counting'" in unknown.state.message
        assert [one.id for one in list_own_jobs()] == ["some"]
    assert job.state.status == "interrupted"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"kind": 3}', '{"kind": ""}', '{"version": 99, "kind": "counting"}']
)
def test_where_the_file_that_says_its_kind_is_damaged_it_is_listed_and_can_be_deleted(counting, content):
    other, job = counting(1, "Other"), counting()
    (job.path / "job.json").write_text(content)
    damaged = open_job("some")
    assert (damaged.state.status, damaged.kind) == ("unreadable", None)
    assert "job.json" in damaged.state.message
    assert {one.id for one in list_own_jobs()} == {"some", "other"}
    with pytest.raises(RunError, match=r"job\.json"):
        execute(damaged)
    delete(damaged)
    assert list_own_jobs() == [other]


def test_settings_that_are_refused_make_it_unreadable_and_no_list(counting, monkeypatch):
    job = counting()

    def refuse(self):
        raise DataError("its table is gone")

    monkeypatch.setattr(type(job), "upto", refuse)
    assert (job.state.status, job.state.message) == ("unreadable", "its table is gone")
    assert list_own_jobs() == [job]


def test_no_job_is_made_of_a_kind_that_nobody_knows(home):
    with pytest.raises(ConfigError, match=r"Unknown kind of job 'countign': expected one of distillation"):
        queue.create("countign", "Some", {})
    assert not list(home.glob("runs/*"))


def test_every_verb_of_runs_takes_it(counting, no_worker, capsys):
    def said(*words):
        assert main(["runs", *words]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    job = counting(3)
    assert "some" in said("list")
    assert "counting" in said("list")
    assert all(text in said("show", "some") for text in ("Counting", "interrupted, 0%, Not started"))
    assert "queued" in said("resume", "some")
    assert "cancelled" in said("cancel", "some")
    assert "is done" in said("resume", "some", "--foreground")
    assert "Counting up" in said("log", "some")
    assert "nothing wrong" in said("check", "some")
    assert "deleted" in said("delete", "some")
    assert not job.path.exists()


def test_check_repairs_it(counting, capsys):
    job = counting(3)
    execute(job)
    (job.path / "state.json").write_text("{")
    with (job.path / "events.jsonl").open("a") as file:
        file.write('{"kind": "st')
    assert main(["runs", "check", "some", "--repair"]) == 0
    assert "2 repaired" in capsys.readouterr().out
    assert job.state.status == "done"


def test_it_is_listed_on_the_page_where_the_queue_is_watched(counting, no_worker):
    resume(counting(3))
    page = AppTest.from_function(draw_other_jobs, default_timeout=60).run()
    assert not page.exception
    row = page.dataframe[0].value.iloc[0]
    assert (row["Job"], row["Kind"], row["Status"]) == ("some", "Counting", "queued")


def draw_other_jobs():
    from cxrkd.dashboard.distill import other_jobs

    other_jobs.draw()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_leaves_it_to_go_on(counting, wait_for, home):
    job = resume(counting(400))
    wait_for(job, lambda job: len(steps(job)) >= 3)
    assert (job.state.status, health().running) == ("running", ("some",))
    os.killpg(job.state.pid, signal.SIGKILL)
    launch._started[0].wait(60)
    assert job.state.status == "interrupted"
    (home / "hurry").touch()
    resume(job)
    wait_for(job, lambda job: job.state.status == "done" and not is_held(job.path))
    assert set(steps(job)) == set(range(1, 401))
    assert len(steps(job)) <= 401  # at most the step it was killed in is told twice
    delete(job)
    assert list_own_jobs() == []
