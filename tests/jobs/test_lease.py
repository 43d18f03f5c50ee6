"""Who executes a job, seen from here and from another container on the same home."""

import json
import os
import threading
from dataclasses import asdict, replace

import pytest

from cxrkd.errors import RunError
from cxrkd.jobs import lease, queue
from cxrkd.jobs.lease import LEASE, Heart, Lease, is_held, read_lease, revoke, take
from cxrkd.jobs.queue import cancel, delete, resume
from cxrkd.jobs.state import JobState, read_state, write_state

ELSEWHERE = Lease("their token", "another place", 4242, "their mark")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(queue, "ensure_worker", lambda: None)
    monkeypatch.setattr(lease, "WATCH_S", 0.05)
    monkeypatch.setattr(lease, "_seen", {})


@pytest.fixture
def run(counting):
    return counting(1)


@pytest.fixture
def theirs(run):
    """A run that another container executes, by a process id that lives here too, as something else."""
    write_state(run.path, JobState("running", pid=os.getpid(), pid_started="x", place="another place", created=1.0))
    (run.path / LEASE).write_text(json.dumps({"version": 1, **asdict(ELSEWHERE)}))
    return run


def aged(run, seconds):
    """As if the last beat were so old, by the clock of the file system."""
    now = lease.clock_of(run.path, 0)
    os.utime(run.path / LEASE, ns=(now, now - int(seconds * 1e9)))


def test_a_run_of_elsewhere_runs_while_its_heart_beats_and_no_longer(theirs):
    assert theirs.state.status == "running"
    aged(theirs, lease.STALE_S - 5)
    assert theirs.state.status == "running"
    aged(theirs, lease.STALE_S + 5)
    assert theirs.state.status == "interrupted"


def test_without_a_lease_a_run_of_elsewhere_is_interrupted(theirs):
    (theirs.path / LEASE).unlink()
    assert theirs.state.status == "interrupted"


def test_a_clock_that_went_back_is_met_by_watching(theirs, monkeypatch):
    """The beat lies in the future: fresh, until nobody has touched it for long by our own monotonic clock."""
    now = [100.0]
    monkeypatch.setattr(lease.time, "monotonic", lambda: now[0])
    aged(theirs, -86_400)
    assert theirs.state.status == "running"
    now[0] += lease.STALE_S + 1
    assert theirs.state.status == "interrupted"
    aged(theirs, -86_401)  # it beats
    assert theirs.state.status == "running"


def test_the_wall_clock_is_not_asked(theirs, monkeypatch):
    for wrong in (0.0, 4e9):
        monkeypatch.setattr("time.time", lambda wrong=wrong: wrong)
        assert theirs.state.status == "running"


def test_a_run_of_elsewhere_is_not_claimed_resumed_or_deleted(theirs):
    for touch in (queue.claim, delete):
        with pytest.raises(RunError, match=r"running already|cancel it before"):
            touch(theirs)
    assert resume(theirs).state.status == "running"


def test_what_looks_stale_and_beats_is_not_taken(run, theirs):
    """The clock jumped ahead: the lease looks old, its holder lives."""
    aged(theirs, 3600)
    beats, stop = threading.Event(), threading.Event()

    def beat():
        while not stop.wait(0.005):
            os.utime(theirs.path / LEASE)
            beats.set()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert beats.wait(60)
        with pytest.raises(RunError, match="another machine or in another container"):
            take(theirs.path)
    finally:
        stop.set()
        thread.join()


def test_a_stale_lease_is_taken_over_and_its_holder_notices(theirs):
    heart = Heart(theirs.path, ELSEWHERE)
    aged(theirs, 3600)
    mine = take(theirs.path)
    assert mine.here
    assert read_lease(theirs.path) == mine
    assert not heart.beat()
    heart.stop()
    assert read_lease(theirs.path) == mine  # what is not his, he leaves


def test_of_two_who_take_over_one_gets_it(theirs, monkeypatch):
    aged(theirs, 3600)
    put_away = lease._put_away

    def late(path, fallen):
        path.write_text(json.dumps({"version": 1, **asdict(Lease("quicker", "third place", 1, "m"))}))
        put_away(path, fallen)

    monkeypatch.setattr(lease, "_put_away", late)
    with pytest.raises(RunError, match="quicker"):
        take(theirs.path)
    assert read_lease(theirs.path).token == "quicker"


def test_cancelling_a_run_of_elsewhere_takes_its_lease(theirs):
    lost = threading.Event()
    heart = Heart(theirs.path, ELSEWHERE)
    heart.on_lost = lost.set
    cancel(theirs)
    assert theirs.state.status == "cancelled"
    assert not heart.beat()
    heart.stop()


def test_a_heart_tells_once_that_its_lease_is_lost(run, monkeypatch):
    monkeypatch.setattr(lease, "BEAT_S", 0.005)
    lost = threading.Event()
    heart = Heart(run.path, take(run.path))
    heart.on_lost = lost.set
    revoke(run.path)
    assert lost.wait(60)
    heart._thread.join()
    assert not heart.beating
    heart.stop()


def test_a_claim_keeps_the_lease_and_letting_go_gives_it_back(run):
    queue.claim(run)
    queue.claim(run)  # by the same process: the worker, then `execute`
    assert is_held(run.path)
    assert read_lease(run.path).pid == os.getpid()
    queue.let_go(run)
    assert not is_held(run.path)
    assert not (run.path / LEASE).exists()


def test_a_run_that_was_cancelled_before_it_began_is_not_begun(run):
    queue.claim(run)  # the worker; importing what executes it takes seconds
    write_state(run.path, replace(read_state(run.path), place="another place"))  # so that nobody kills this process
    cancel(run)
    with pytest.raises(RunError, match="cancelled or taken over"):
        queue.claim(run)
    assert run.state.status == "cancelled"
    queue.let_go(run)


def test_a_lease_of_a_process_that_died_here_holds_nothing(run):
    dead = Lease("t", lease.place(), 2**22 + 1, "1")
    (run.path / LEASE).write_text(json.dumps({"version": 1, **asdict(dead)}))
    assert not is_held(run.path)
    assert take(run.path).pid == os.getpid()


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"token": 1}', b'{"pid": "x"}'])
def test_a_damaged_lease_is_somebodys_until_it_is_stale(run, garbage):
    (run.path / LEASE).write_bytes(garbage)
    assert is_held(run.path)
    aged(run, 3600)
    assert not is_held(run.path)
    assert take(run.path).here


def test_a_state_of_an_older_version_is_asked_by_its_process(run):
    write_state(run.path, JobState("running", pid=os.getpid(), pid_started=lease.start_mark(os.getpid())))
    assert read_state(run.path).status == "running"
