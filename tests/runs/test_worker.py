"""The real worker process: queue, kill -9 and resume, cancel."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cxrkd
from cxrkd.config import TrainConfig
from cxrkd.jobs import launch, queue
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import write_json
from cxrkd.jobs.job import own_jobs
from cxrkd.jobs.locks import worker_lives, working
from cxrkd.jobs.process import is_alive
from cxrkd.jobs.queue import cancel, resume
from cxrkd.runs import create, submit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SLOW = TrainConfig(epochs=40, warm_epochs=0, batch_size=16, learning_rate=0.02)


def has_epochs(stage, n):
    return lambda run: sum(e["kind"] == "epoch" and e.get("stage") == stage for e in run.events()) >= n


def is_done(run):
    assert run.state.status not in ("failed", "interrupted"), (run.state, run.log_tail())
    return run.state.status == "done"


@pytest.fixture(autouse=True)
def _no_worker_stays_behind():
    yield
    for child in launch._started:
        child.terminate()  # its keeper ends the worker
        child.wait()
    launch._started.clear()


def test_the_queue_goes_on_whatever_becomes_of_a_run(config, wait_for):
    long = submit(config("Long", student_arch="slow_toy", student_train=SLOW))
    broken, last = submit(config("Broken")), submit(config("Last"))
    written_elsewhere = broken.config.model_dump(mode="json") | {"teacher_arch": "no_such"}
    write_json(broken.path / "config.json", written_elsewhere)
    wait_for(long, has_epochs("alone-0", 1))
    assert [run.state.status for run in (broken, last)] == ["queued", "queued"]
    pid, mark = long.state.pid, long.state.pid_started
    cancel(long)
    assert long.state.status == "cancelled"
    assert not is_alive(pid, mark)
    wait_for(last, is_done)
    assert long.state.status == "cancelled"
    assert broken.state.status == "failed"
    assert "no_such" in broken.state.message
    assert long.state.finished <= broken.state.started <= broken.state.finished <= last.state.started
    assert any("Measuring" in line for line in last.log_tail())
    for child in launch._started:
        child.wait(120)
    assert not worker_lives(own_jobs())


def test_a_worker_killed_in_mid_run_leaves_a_run_that_goes_on_to_the_same_end(config, wait_for, home):
    settings = {"student_arch": "slow_toy", "control": False, "student_train": SLOW}
    run = submit(config("Killed", **settings))
    wait_for(run, has_epochs("distilled-0", 3))
    pid, mark = run.state.pid, run.state.pid_started
    os.killpg(pid, signal.SIGKILL)
    launch._started[0].wait(120)
    assert run.state.status == "interrupted"
    assert not is_alive(pid, mark)
    done_before = sum(e["kind"] == "epoch" for e in run.events())
    assert done_before < 40

    (home / "hurry").touch()
    resume(run)
    wait_for(run, is_done)
    teacher = [e for e in run.events() if e["kind"] == "epoch" and e["stage"] == "teacher"]
    student = [e["epoch"] for e in run.events() if e["kind"] == "epoch" and e["stage"] == "distilled-0"]
    assert len(teacher) == 1
    assert set(student) == set(range(1, 41))
    assert len(student) <= 41  # at most the epoch it was killed after is told twice

    whole = create(config("Whole", **settings))
    execute(whole)
    for member in ("teacher", "distilled"):
        assert np.allclose(run.predictions(member).logits, whole.predictions(member).logits, atol=1e-4), member


def test_a_second_worker_leaves_at_once(config):
    root = str(Path(cxrkd.__file__).parents[1])
    with working(own_jobs()) as mine:
        assert mine
        queue.ensure_worker()
        assert launch._started == []
        done = subprocess.run([sys.executable, "-m", "cxrkd.jobs.worker"], cwd=root, check=False, timeout=120)
        assert done.returncode == 0
