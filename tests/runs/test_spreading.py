"""A run on several nodes: who waits for whom, who takes part in what, and how it ends."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cxrkd.config import TrainConfig
from cxrkd.errors import ConfigError, RunError
from cxrkd.jobs.execute import execute
from cxrkd.jobs.process import start_mark
from cxrkd.jobs.state import read_state, write_state
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.zoo import build
from cxrkd.places import isolated_environment
from cxrkd.runs import create, spreading
from cxrkd.runs.run import list_own_runs
from cxrkd.runs.spreading import join, started
from cxrkd.train.task import Task

BATCH = TrainConfig(epochs=1, warm_epochs=0, batch_size=6, learning_rate=0.02)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(spreading, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(spreading, "PATIENCE_S", 5.0)
    monkeypatch.setattr(spreading, "LAST_WORDS_S", 0.1)


@pytest.fixture
def run(config):
    return create(config())


class Node:
    """What another node's part of a training looks like from outside."""

    def __init__(self, code, lasts_s=0.0):
        self.code, self.ends, self.returncode = code, time.monotonic() + lasts_s, None

    def poll(self):
        if time.monotonic() >= self.ends and self.returncode is None:
            self.returncode = self.code
        return self.returncode

    def terminate(self):
        self.ends, self.code = 0.0, -15

    def wait(self):
        return self.poll()


@pytest.fixture
def parts(monkeypatch):
    """Folders of the trainings that were taken part in; `ends` says how the next part does."""

    class Parts(list):
        node = staticmethod(lambda: Node(0))

    taken = Parts()

    def take(task, folder, rank):
        taken.append((folder.name, rank))
        return taken.node()

    monkeypatch.setattr(spreading, "take_part", take)
    return taken


def runs_here(run):
    state = read_state(run.path)
    pid = os.getpid()
    write_state(run.path, state.at_rest("running", pid=pid, pid_started=start_mark(pid)))
    return run.state.execution


def lay(run, stage, execution, nodes=2):
    folder = run.path / "work" / stage
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"config": run.config, "member": "teacher", "arch": "toy", "labels": CHESTXRAY14, "input_size": 32}
    where = {"nodes": nodes, "address": "127.0.0.1", "port": 1234, "execution": execution}
    Task(**asked, seed=0, **where).write(folder, build("toy", CHESTXRAY14, 32))


def ends(run, status="done", after_s=0.3, **changes):
    def end():
        time.sleep(after_s)
        write_state(run.path, read_state(run.path).at_rest(status, **changes))

    threading.Thread(target=end).start()


def test_it_takes_part_once_in_each_training_of_this_execution_until_the_run_is_done(run, parts):
    lay(run, "teacher", "of an earlier execution")
    execution = runs_here(run)
    lay(run, "alone-0", execution)
    lay(run, "distilled-0", execution)
    ends(run)
    events = []
    join(run, 1, events.append)
    assert sorted(parts) == [("alone-0", 1), ("distilled-0", 1)]
    assert "Node 1 takes part in alone-0" in [event["title"] for event in events]


@pytest.mark.parametrize(
    ("status", "message", "sentence"),
    [
        ("failed", "The disk is full.", "failed: The disk is full."),
        ("cancelled", "", "cancelled"),
        ("interrupted", "", "interrupted"),
    ],
)
def test_it_ends_with_the_run_and_says_how(run, parts, status, message, sentence):
    parts.node = lambda: Node(0, lasts_s=60)
    lay(run, "teacher", runs_here(run))
    ends(run, status, message=message)
    with pytest.raises(RunError, match=sentence):
        join(run, 1, lambda event: None)


def test_a_part_that_ends_early_is_named(run, parts):
    parts.node = lambda: Node(3)
    lay(run, "teacher", runs_here(run))
    with pytest.raises(RunError, match=r"part of teacher ended before the training did \(code 3\).*start all nodes"):
        join(run, 1, lambda event: None)


def test_nobody_waits_for_ever(run, config, monkeypatch):
    monkeypatch.setattr(spreading, "PATIENCE_S", 0.1)
    with pytest.raises(RunError, match="for the first node \\(NODE_RANK=0\\) to go on with"):
        join(run, 1, lambda event: None)
    with pytest.raises(RunError, match="to start a run of these settings"):
        started(config("Other"))
    runs_here(run)
    assert started(run.config) == run
    write_state(run.path, read_state(run.path).at_rest("done"))
    with pytest.raises(RunError, match="is done; there is nothing to take part in"):
        join(run, 1, lambda event: None)


def test_a_batch_that_cannot_be_shared_is_refused_before_anything_is_done(config, monkeypatch):
    monkeypatch.setenv("CXRKD_DEVICES", "5")
    run = create(config())
    with pytest.raises(ConfigError, match="A batch of 16 films cannot be shared evenly by 5 processes"):
        execute(run)
    assert (run.state.status, run.events()[-1]["kind"]) == ("failed", "error")
    assert not any(event["kind"] == "stage" for event in run.events())


@pytest.mark.slow
def test_the_same_command_on_two_nodes_makes_one_run_with_the_figures_of_one_process(config, home):
    """Networks without norms, so that nothing but the order of sums differs."""
    asked = config("Nodes", arch="plain_toy", teacher_train=BATCH, student_train=BATCH)
    file = home / "asked.json"
    file.write_text(asked.model_dump_json())
    environment = isolated_environment() | {"CXRKD_NUM_NODES": "2", "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, "-P", "-m", "cxrkd", "distill", "--config", str(file), "--json"]
    nodes = [
        subprocess.Popen(command, env=environment | {"NODE_RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in (1, 0)
    ]
    said = [node.communicate()[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    (together,) = list_own_runs()
    alone = create(asked)
    execute(alone)
    for member in ("teacher", "alone", "distilled"):
        ours, theirs = (run.predictions(member, "val").logits for run in (together, alone))
        np.testing.assert_allclose(ours, theirs, atol=5e-3)  # kept as float16
    assert '"node": 1' in said[0]
