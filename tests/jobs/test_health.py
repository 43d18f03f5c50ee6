"""A worker that dies at its start is seen, and not started again and again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from cxrkd.jobs import launch
from cxrkd.jobs.files import write_json
from cxrkd.jobs.health import health
from cxrkd.jobs.job import own_jobs
from cxrkd.jobs.locks import working
from cxrkd.jobs.queue import resume
from tests.runs.corruptions import said


@pytest.fixture
def broken(home, tmp_path, monkeypatch):
    """Every Python that is started dies with a last word, as where a package is broken."""
    site = tmp_path / "broken"
    site.mkdir()
    word = "ModuleNotFoundError: No module named 'torch' " + "x" * 400
    (site / "sitecustomize.py").write_text(f"import os; os.write(2, {word!r}.encode()); os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(site))


def ended():
    """Wait until the keepers of all workers have told how they ended."""
    for keeper in launch._started:
        keeper.wait(120)


def test_an_empty_home_is_well(home):
    its = health()
    assert its.well
    assert its.line() == "The queue is at rest: nothing waits."
    assert not own_jobs().exists()


def test_a_worker_that_dies_at_its_start_is_told_with_its_last_word(broken, counting):
    waiting = resume(counting(1))
    ended()
    its = health()
    assert not its.well
    assert (its.code, its.failed_starts, its.queued) == (3, 1, (waiting.id,))
    assert "exit code 3: ModuleNotFoundError: No module named 'torch'" in its.line()
    assert "1 waiting; it is tried again in" in its.line()
    assert len(its.error) <= 200


def test_it_is_tried_again_but_not_at_once_and_ever_more_rarely(broken, counting, monkeypatch):
    resume(counting(1))
    ended()
    (first,) = launch._started
    launch.ensure_worker()
    assert launch._started == []  # the first was reaped, no second was started
    moment, now = launch.last_launch(own_jobs()).ended, [0.0]
    monkeypatch.setattr(launch.time, "time", lambda: moment + now[0])
    pauses = []
    for _ in range(3):
        now[0] = launch.last_launch(own_jobs()).ended - moment
        pauses.append(launch.last_launch(own_jobs()).wait_s())
        now[0] += pauses[-1] + 0.001
        launch.ensure_worker()
        assert len(launch._started) == 1
        ended()
    assert pauses == sorted(pauses)
    assert pauses[0] >= launch.FIRST_PAUSE_S
    assert pauses[2] > 1.5 * pauses[0]
    assert health().failed_starts == 4
    assert first.returncode is not None


def test_a_clock_that_went_back_does_not_stop_the_tries(broken, counting, monkeypatch):
    resume(counting(1))
    ended()
    monkeypatch.setattr(launch.time, "time", lambda: 1e6)
    assert launch.last_launch(own_jobs()).wait_s() == 0


def test_the_operator_is_told_and_can_have_it_tried_now(broken, counting):
    resume(counting(1))
    ended()
    code, out, err = said("runs", "doctor", "--json")
    assert (code, json.loads(out)["failed_starts"]) == (1, 1)
    assert "died at its start" in err
    assert said("runs", "doctor", "--restart")[0] in (0, 1)  # it may be starting still
    ended()
    _, out, _ = said("runs", "list")
    assert "2 times in a row" in out


def test_what_is_started_and_not_up_yet_is_not_started_twice(counting, home, monkeypatch):
    alive = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(launch, "isolated_python", lambda: pytest.fail("a second worker"))
    own_jobs().mkdir()
    told = {"version": 1, "token": "t", "place": launch.place(), "started": time.time(), "keeper": alive.pid}
    write_json(own_jobs() / launch.START, told | {"mark": launch.start_mark(alive.pid)})
    launch.ensure_worker()
    assert health().worker
    assert health().line() == "Worker starting, nothing waits."
    alive.communicate()
    assert not launch.last_launch(own_jobs()).alive


@pytest.mark.parametrize(
    ("code", "well", "said"),
    [
        (0, True, "at rest"),
        (-signal.SIGTERM, True, "at rest"),
        (-signal.SIGKILL, False, "killed by SIGKILL, perhaps for want of memory"),
        (1, False, "exit code 1"),
    ],
)
def test_how_a_worker_that_worked_came_to_its_end(home, code, well, said):
    own_jobs().mkdir()
    write_json(own_jobs() / launch.START, {"version": 1, "token": "t", "place": launch.place(), "started": 1e9})
    write_json(own_jobs() / launch.UP, {"version": 1, "token": "t", "claimed": True})
    write_json(own_jobs() / launch.END, {"version": 1, "token": "t", "code": code, "ended": 1e9 + 1})
    assert health().well == well
    assert said in health().line()
    assert health().failed_starts == 0


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"token": 1}', b'{"version": 99, "token": "t"}'])
def test_damaged_records_are_no_reason_to_stand_still(home, garbage):
    own_jobs().mkdir()
    for name in (launch.START, launch.UP, launch.END):
        (own_jobs() / name).write_bytes(garbage)
    assert launch.last_launch(own_jobs()) == launch.Launch()
    assert health().well


def test_a_worker_at_work_is_told(home):
    with working(own_jobs()) as mine:
        assert mine
        assert health().worker


def test_a_worker_that_lost_its_run_is_followed_by_another(home, tmp_path):
    """Cancelled from another container, it cannot know what it may still touch; what waits is not to wait for it."""
    record, told = tmp_path / "end.json", tmp_path / "told"
    script = f"import os; os.mkdir({str(told)!r}) if not os.path.exists({str(told)!r}) else os._exit(0); os._exit(75)"
    launch_keeper = [sys.executable, "-I", "-S", os.path.join(os.path.dirname(launch.__file__), "keeper.py")]
    subprocess.run([*launch_keeper, record, "t", sys.executable, "-I", "-S", "-c", script], check=True, timeout=120)
    assert told.exists()
    assert launch.read_versioned(record, 1)["code"] == 0


def test_the_keeper_passes_on_that_it_is_to_end(home, tmp_path):
    record = tmp_path / "end.json"
    keeper = os.path.join(os.path.dirname(launch.__file__), "keeper.py")
    sleeper = [sys.executable, "-S", "-c", "print('up', flush=True); import time; time.sleep(600)"]
    child = subprocess.Popen([sys.executable, "-I", "-S", keeper, record, "t", *sleeper], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"up\n"
    child.terminate()
    child.communicate(timeout=60)
    assert launch.read_versioned(record, 1)["code"] == -signal.SIGTERM
