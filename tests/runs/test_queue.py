"""Queue decisions, without a worker process."""

import itertools
import json
import os
import threading
from dataclasses import replace

import pytest

from cxrkd.config import MEMBERS
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError, CxrkdError, RunError
from cxrkd.jobs import folders, job, queue
from cxrkd.jobs.locks import deciding, worker_lives, working
from cxrkd.jobs.process import start_mark
from cxrkd.jobs.state import RunState, write_state
from cxrkd.models import zoo
from cxrkd.runs import cancel, create, delete, keep_going, list_runs, open_run, resume, submit


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    started = []
    monkeypatch.setattr(queue, "ensure_worker", lambda: started.append(1))
    return started


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "assets" / "runs"
    folder.mkdir(parents=True)
    monkeypatch.setattr(job, "SHIPPED", folder)
    monkeypatch.setattr(folders, "SHIPPED", folder)
    return folder


@pytest.fixture
def finished(config, shipped):
    """A shipped run that is done."""
    made = create(config("Phantom", teacher_arch="densenet121"), shipped / "phantom")
    write_state(made.path, RunState("done", created=1.0))
    return made


def test_submitted_runs_wait_in_order_and_the_newest_is_listed_first(config, no_worker):
    first, second = submit(config("First")), submit(config("Second"))
    assert [first.state.status, second.state.status] == ["queued", "queued"]
    assert queue.oldest_queued() == first
    assert list_runs() == [second, first]
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
def test_names_become_safe_folders(config, name, identity, home):
    made = create(config(name))
    assert made.id == identity
    assert made.path.parent == (home / "runs").resolve()
    assert made.name == name


def test_a_worker_is_started_only_where_something_waits(config, no_worker):
    create(config("Not queued"))
    keep_going()
    assert no_worker == []
    submit(config("Queued"))
    no_worker.clear()  # the machine was restarted
    keep_going()
    assert no_worker == [1]


def test_equal_names_get_numbers_and_avoid_shipped_ids(config, finished):
    assert [create(config("Phantom")).id for _ in range(2)] == ["phantom-2", "phantom-3"]


def test_a_run_is_opened_by_id_or_folder_and_a_wrong_id_lists_what_there_is(config, finished):
    made = create(config("Mine"))
    assert open_run("mine") == open_run(made.path) == made
    assert open_run("phantom").shipped
    with pytest.raises(RunError, match="phantom, mine"):
        open_run("nothing")


def test_an_empty_machine_has_no_runs(shipped):
    assert list_runs() == []


def test_damaged_and_hidden_folders_are_not_listed(config, home):
    made = create(config())
    (home / "runs" / "broken").mkdir()
    (home / "runs" / ".deleted-x").mkdir()
    (home / "runs" / "file.txt").write_text("x")
    assert list_runs() == [made]
    assert queue.oldest_queued() is None


def test_shipped_runs_come_first_and_cannot_be_touched(config, finished):
    mine = create(config("Mine"))
    assert list_runs() == [finished, mine]
    for touch in (cancel, delete, resume):
        with pytest.raises(RunError, match="came with the program"):
            touch(finished)


def test_a_waiting_run_is_cancelled_at_once_and_can_be_resumed(config):
    waiting = submit(config())
    cancel(waiting)
    assert waiting.state.status == "cancelled"
    assert queue.oldest_queued() is None
    with pytest.raises(RunError, match="nothing to cancel"):
        cancel(waiting)
    assert resume(waiting).state.status == "queued"
    assert resume(waiting).state.status == "queued"


def test_cancelling_starts_the_worker_only_for_those_still_waiting(config, no_worker):
    first, second = submit(config("A")), submit(config("B"))
    no_worker.clear()
    cancel(first)
    assert len(no_worker) == 1
    cancel(second)
    assert len(no_worker) == 1


def test_only_runs_at_rest_are_deleted(config):
    made = submit(config())
    with pytest.raises(RunError, match="cancel it before"):
        delete(made)
    cancel(made)
    delete(made)
    assert not made.path.exists()
    assert list(made.path.parent.glob("*tiny*")) == []


def test_a_done_run_is_neither_resumed_nor_claimed(config):
    made = create(config())
    write_state(made.path, RunState("done"))
    with pytest.raises(RunError, match="done"):
        resume(made)
    with pytest.raises(RunError, match="done"):
        queue.claim(made)


def test_a_run_of_another_process_is_not_claimed(config):
    made = create(config())
    write_state(made.path, RunState("running", pid=os.getppid(), pid_started=start_mark(os.getppid())))
    with pytest.raises(RunError, match="running already"):
        queue.claim(made)
    write_state(made.path, RunState("running", pid=os.getppid(), pid_started="long ago"))
    queue.claim(made)
    assert made.state.pid == os.getpid()


def test_a_borrowed_teacher_fills_in_the_config(config, finished):
    made = create(config("Mine", teacher_from="phantom"))
    assert made.config.teacher_arch == "densenet121"
    assert made.config.teacher_train == finished.config.teacher_train


def test_a_teacher_that_saw_our_test_patients_is_refused(config, finished):
    with pytest.raises(ConfigError, match="20 patients"):
        create(config(teacher_from="phantom", data=PhantomConfig(n_patients=30, image_size=32)))
    create(config(teacher_from="phantom", data=PhantomConfig(n_patients=30, seed=1, image_size=32)))


def test_a_teacher_of_an_unfinished_run_is_refused(config):
    submit(config("Half"))
    with pytest.raises(RunError, match="finished"):
        create(config(teacher_from="half"))


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


def test_a_folder_that_cannot_be_written_is_said(config, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "file"))
    with pytest.raises(RunError, match="cannot write"):
        submit(config())


def test_config_of_a_run_made_by_another_version_is_said(config):
    made = create(config())
    path = made.path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    with pytest.raises(RunError, match="colour"):
        _ = open_run(made.id).config


def test_a_run_that_has_not_started_has_no_results(config):
    made = create(config())
    assert made.members() == []
    assert made.events() == []
    assert made.log_tail() == []
    for member in MEMBERS:
        with pytest.raises(RunError, match="no weights"):
            made.load_model(member)
    for read in (made.metrics, made.environment, lambda: made.labels):
        with pytest.raises(RunError, match="incomplete"):
            read()


def test_log_tail_gives_the_end(config):
    made = create(config())
    (made.path / "log.txt").write_bytes(b"\xff\n" + b"".join(b"%d\n" % i for i in range(100)))
    assert made.log_tail(2) == ["98", "99"]


def test_order_does_not_depend_on_the_clock(config, monkeypatch):
    clock = itertools.count(3e9, -1e6)  # others look at it too
    monkeypatch.setattr("cxrkd.jobs.queue.time.time", lambda: next(clock))
    runs = [submit(config(name)) for name in ("First", "Second", "Third")]
    assert list(queue.waiting()) == runs
    assert [one for one in list_runs() if not one.shipped] == runs[::-1]


def test_times_of_a_run_never_go_back(config, monkeypatch):
    made = create(config())
    write_state(made.path, RunState("queued", created=3e9))
    monkeypatch.setattr("cxrkd.jobs.state.time.time", lambda: 1e9)
    queue.claim(made)
    assert made.state.started == 3e9
    queue.let_go(made)
    queue.give_up(made, "It broke.")
    assert made.state.finished == 3e9
    assert made.state.seconds == 0
    assert RunState("done", started=2e9, finished=1e9).seconds == 0  # written by an older version


REFUSED = {
    "no such folder": {"data": FolderConfig(folder="/no/such/folder", image_size=32)},
    "an unknown network": {"student_arch": "no_such"},
    "a size the network does not take": {"data": PhantomConfig(n_patients=20, image_size=33), "student_arch": "picky"},
    "weights that there are none of": {"student_weights": "imagenet"},
    "a teacher that is not there": {"teacher_from": "nobody"},
    "a start that is not there": {"student_from": "nobody"},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("ask", [create, submit])
def test_what_is_refused_leaves_no_folder(config, home, settings, ask):
    zoo.register("picky", replace(zoo._ENTRIES["toy"], multiple=32))
    with pytest.raises(CxrkdError):
        ask(config(**settings))
    assert list(home.glob("runs/*")) == []
    assert [path for path in home.glob("runs/.*") if path.is_dir()] == []


def test_a_disk_that_is_full_leaves_no_half_made_run(config, home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cxrkd.atomic.os.fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        create(config())
    assert [path for path in home.glob("runs/*") if path.is_dir()] == []
    assert [path for path in home.glob("runs/.*") if path.is_dir()] == []


def test_a_folder_of_ones_own_choice_must_not_exist(config, tmp_path):
    made = create(config(), tmp_path / "mine")
    assert open_run(tmp_path / "mine") == made
    (tmp_path / "empty").mkdir()
    for taken in ("mine", "empty"):
        with pytest.raises(RunError, match="exists already"):
            create(config(), tmp_path / taken)
    assert sorted(path.name for path in tmp_path.glob(".part-*")) == []
