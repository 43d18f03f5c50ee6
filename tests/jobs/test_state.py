import os
import subprocess
import sys
from dataclasses import replace

import pytest

from cxrkd.errors import RunError
from cxrkd.jobs import files
from cxrkd.jobs.process import is_alive, kill_group, start_mark
from cxrkd.jobs.state import STATE, JobState, read_state, write_state


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_what_is_written_is_read(folder):
    state = JobState("failed", "Measuring", 0.5, 12.5, "no space", None, None, 1.0, 2.0, 3.0)
    write_state(folder, state)
    assert read_state(folder) == state
    assert [p.name for p in folder.iterdir()] == [STATE]


def test_running_is_running_only_while_its_very_process_lives(folder):
    me = JobState("running", pid=os.getpid(), pid_started=start_mark(os.getpid()))
    write_state(folder, me)
    assert read_state(folder).status == "running"
    write_state(folder, replace(me, pid_started="1"))  # the pid was handed out again
    assert read_state(folder).status == "interrupted"
    write_state(folder, replace(me, pid=2**22 + 1))
    assert read_state(folder) == JobState("interrupted")


def test_a_zombie_does_not_live(child):
    mark = start_mark(child.pid)
    assert is_alive(child.pid, mark)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert not is_alive(child.pid, mark)


def test_a_group_that_ignores_the_request_is_forced():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    stubborn = subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    assert stubborn.stdout.readline() == b"up\n"
    kill_group(stubborn.pid, start_mark(stubborn.pid), grace_s=0.2)
    assert stubborn.wait() == -9
    stubborn.stdout.close()


def test_another_process_with_the_same_pid_is_left_alone(child):
    kill_group(child.pid, "another start", grace_s=0.1)
    assert child.poll() is None


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"stage": "x"}', '{"status": "done", "odd": 1}'])
def test_missing_or_damaged_is_said(folder, content):
    if content is not None:
        (folder / STATE).write_text(content)
    with pytest.raises(RunError, match=STATE):
        read_state(folder)


def test_a_full_disk_keeps_the_old_state(folder, monkeypatch):
    write_state(folder, JobState("queued"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cxrkd.atomic.os.fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_state(folder, JobState("done"))
    assert read_state(folder).status == "queued"
    assert [p.name for p in folder.iterdir()] == [STATE]


def test_json_has_no_nan(folder):
    files.write_json(folder / "x.json", {"a": [float("nan"), 1.5], "b": (1, 2)})
    assert files.read_json(folder / "x.json") == {"a": [None, 1.5], "b": [1, 2]}
