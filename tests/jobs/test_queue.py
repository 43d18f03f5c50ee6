"""Queue decisions, without a worker process."""

import itertools
import os
import threading

import pytest

from cxrkd.errors import RunError
from cxrkd.jobs import queue
from cxrkd.jobs.job import list_jobs, open_job
from cxrkd.jobs.locks import deciding, worker_lives, working
from cxrkd.jobs.process import start_mark
from cxrkd.jobs.queue import cancel, delete, keep_going, resume
from cxrkd.jobs.state import JobState, write_state

pytestmark = pytest.mark.usefixtures("shipped")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    started = []
    monkeypatch.setattr(queue, "ensure_worker", lambda: started.append(1))
    return started


@pytest.fixture
def finished(counting, shipped):
    """A shipped job that is done."""
    made = counting(name="Phantom", folder=shipped / "phantom")
    write_state(made.path, JobState("done", created=1.0))
    return made


def test_submitted_runs_wait_in_order_and_the_newest_is_listed_first(counting, no_worker):
    first, second = resume(counting(name="First")), resume(counting(name="Second"))
    assert [first.state.status, second.state.status] == ["queued", "queued"]
    assert queue.oldest_queued() == first
    assert list_jobs() == [second, first]
    assert len(no_worker) == 2


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("My run", "my-run"),
        ("../../etc/passwd", "etc-passwd"),
        ("Ünï 図 3", "n-3"),
        ("...", "run"),
        ("a" * 80, "a" * 40),
        ("CON/..\\x:*?", "con-x"),
    ],
)
def test_names_become_safe_folders(counting, name, identity, home):
    made = counting(name=name)
    assert made.id == identity
    assert made.path.parent == (home / "runs").resolve()


def test_a_worker_is_started_only_where_something_waits(counting, no_worker):
    counting(name="Not queued")
    keep_going()
    assert no_worker == []
    resume(counting(name="Queued"))
    no_worker.clear()  # the machine was restarted
    keep_going()
    assert no_worker == [1]


def test_equal_names_get_numbers_and_avoid_shipped_ids(counting, finished):
    assert [counting(name="Phantom").id for _ in range(2)] == ["phantom-2", "phantom-3"]


def test_a_run_is_opened_by_id_or_folder_and_a_wrong_id_lists_what_there_is(counting, finished):
    made = counting(name="Mine")
    assert open_job("mine") == open_job(made.path) == made
    assert open_job("phantom").shipped
    with pytest.raises(RunError, match="phantom, mine"):
        open_job("nothing")


def test_an_empty_machine_has_no_runs(shipped):
    assert list_jobs() == []


def test_damaged_and_hidden_folders_are_not_listed(counting, home):
    made = counting()
    (home / "runs" / "broken").mkdir()
    (home / "runs" / ".deleted-x").mkdir()
    (home / "runs" / "file.txt").write_text("x")
    assert list_jobs() == [made]
    assert queue.oldest_queued() is None


def test_shipped_runs_come_first_and_cannot_be_touched(counting, finished):
    mine = counting(name="Mine")
    assert list_jobs() == [finished, mine]
    for touch in (cancel, delete, resume):
        with pytest.raises(RunError, match="came with the program"):
            touch(finished)


def test_a_waiting_run_is_cancelled_at_once_and_can_be_resumed(counting):
    waiting = resume(counting())
    cancel(waiting)
    assert waiting.state.status == "cancelled"
    assert queue.oldest_queued() is None
    with pytest.raises(RunError, match="nothing to cancel"):
        cancel(waiting)
    assert resume(waiting).state.status == "queued"
    assert resume(waiting).state.status == "queued"


def test_cancelling_starts_the_worker_only_for_those_still_waiting(counting, no_worker):
    first, second = resume(counting(name="A")), resume(counting(name="B"))
    no_worker.clear()
    cancel(first)
    assert len(no_worker) == 1
    cancel(second)
    assert len(no_worker) == 1


def test_only_runs_at_rest_are_deleted(counting):
    made = resume(counting())
    with pytest.raises(RunError, match="cancel it before"):
        delete(made)
    cancel(made)
    delete(made)
    assert not made.path.exists()
    assert list(made.path.parent.glob("*tiny*")) == []


def test_a_done_run_is_neither_resumed_nor_claimed(counting):
    made = counting()
    write_state(made.path, JobState("done"))
    with pytest.raises(RunError, match="done"):
        resume(made)
    with pytest.raises(RunError, match="done"):
        queue.claim(made)


def test_a_run_of_another_process_is_not_claimed(counting):
    made = counting()
    write_state(made.path, JobState("running", pid=os.getppid(), pid_started=start_mark(os.getppid())))
    with pytest.raises(RunError, match="running already"):
        queue.claim(made)
    write_state(made.path, JobState("running", pid=os.getppid(), pid_started="long ago"))
    queue.claim(made)
    assert made.state.pid == os.getpid()


def test_one_worker_at_a_time(home):
    folder = home / "runs"
    with working(folder) as mine, working(folder) as theirs:
        assert (mine, theirs) == (True, False)
        assert worker_lives(folder)
    assert not worker_lives(folder)


def test_decisions_wait_for_each_other(home):
    decided = threading.Event()

    def decide():
        with deciding(home / "runs"):
            decided.set()

    with deciding(home / "runs"):
        thread = threading.Thread(target=decide)
        thread.start()
        assert not decided.wait(0.3)
    assert decided.wait(60)
    thread.join()


def test_a_decision_that_never_ends_is_said(home, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.locks.LONGEST_DECISION_S", 0.1)
    said = []

    def decide():
        try:
            with deciding(home / "runs"):
                said.append("decided")
        except RunError as error:
            said.append(str(error))

    with deciding(home / "runs"):
        thread = threading.Thread(target=decide)
        thread.start()
        thread.join()
    decide()
    assert "another process has been at the queue in" in said[0]
    assert said[1:] == ["decided"]


def test_a_lock_that_is_a_link_is_not_followed(home, tmp_path):
    (home / "runs").mkdir()
    (tmp_path / "elsewhere").touch()
    (home / "runs" / ".queue.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="cannot write"), deciding(home / "runs"):
        pass


def test_a_folder_that_cannot_be_written_is_said(counting, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "file"))
    with pytest.raises(RunError, match="cannot write"):
        resume(counting())


def test_log_tail_gives_the_end(counting):
    made = counting()
    (made.path / "log.txt").write_bytes(b"\xff\n" + b"".join(b"%d\n" % i for i in range(100)))
    assert made.log_tail(2) == ["98", "99"]


def test_order_does_not_depend_on_the_clock(counting, monkeypatch):
    clock = itertools.count(3e9, -1e6)  # others look at it too
    monkeypatch.setattr("cxrkd.jobs.queue.time.time", lambda: next(clock))
    runs = [resume(counting(name=name)) for name in ("First", "Second", "Third")]
    assert list(queue.waiting()) == runs
    assert [one for one in list_jobs() if not one.shipped] == runs[::-1]


def test_times_of_a_run_never_go_back(counting, monkeypatch):
    made = counting()
    write_state(made.path, JobState("queued", created=3e9))
    monkeypatch.setattr("cxrkd.jobs.state.time.time", lambda: 1e9)
    queue.claim(made)
    assert made.state.started == 3e9
    queue.let_go(made)
    queue.give_up(made, "It broke.")
    assert made.state.finished == 3e9
    assert made.state.seconds == 0
    assert JobState("done", started=2e9, finished=1e9).seconds == 0  # written by an older version


def test_a_disk_that_is_full_leaves_no_half_made_run(counting, home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cxrkd.atomic.os.fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        counting()
    assert [path for path in home.glob("runs/*") if path.is_dir()] == []
    assert [path for path in home.glob("runs/.*") if path.is_dir()] == []


def test_a_folder_of_ones_own_choice_must_not_exist(counting, tmp_path):
    made = counting(folder=tmp_path / "mine")
    assert open_job(tmp_path / "mine") == made
    (tmp_path / "empty").mkdir()
    for taken in ("mine", "empty"):
        with pytest.raises(RunError, match="exists already"):
            counting(folder=tmp_path / taken)
    assert sorted(path.name for path in tmp_path.glob(".part-*")) == []
