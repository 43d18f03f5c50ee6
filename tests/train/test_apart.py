"""One training in several processes, over gloo on the CPU, against the same training in one."""

import threading
import time

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cxrkd.access.folders import UNREADABLE
from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import DataError, RunError
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.zoo import build
from cxrkd.train import apart
from cxrkd.train.apart import fit_apart, meeting_point, take_part
from cxrkd.train.fit import CHECKPOINT, fit
from cxrkd.train.predict import predict_logits
from cxrkd.train.task import START, TRAINED, Task, train_folder
from tests import toys

DATA = PhantomConfig(n_patients=20, image_size=32)
QUIET = {"seed": 3, "on_event": lambda event: None}
PATIENCE_S = 200.0  # four processes that import torch on a busy machine


@pytest.fixture
def task(monkeypatch, tmp_path):
    toys.everywhere(monkeypatch, tmp_path / "site")
    train = TrainConfig(epochs=2, warm_epochs=0, batch_size=8, learning_rate=0.02, mixup=0.4)
    config = RunConfig(name="apart", data=DATA, teacher_train=train)
    return Task(config=config, member="teacher", arch="plain_toy", labels=CHESTXRAY14, input_size=32, seed=3, devices=2)


def start():
    torch.manual_seed(0)
    return build("plain_toy", CHESTXRAY14, 32)


@pytest.mark.slow
def test_two_processes_train_the_weights_of_one(task, tmp_path):
    """Without norms and dropout nothing but the order of sums differs, mixtures across the two shares included."""
    alone, together, events = start(), start(), []
    cohort = load_cohort(DATA)
    expected = fit(
        alone,
        cohort,
        task.train,
        task.loss(alone, None),
        seed=3,
        work_dir=tmp_path / "alone",
        on_event=lambda event: None,
    )
    got = fit_apart(together, task, tmp_path / "apart", events.append)
    for name, tensor in alone.state_dict().items():
        assert not torch.allclose(start().state_dict()[name], tensor, rtol=0, atol=1e-4), name
        torch.testing.assert_close(together.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    assert got.val_auroc == pytest.approx(expected.val_auroc, abs=1e-3)
    assert [e["epoch"] for e in events if e["kind"] == "epoch"] == [1, 2]
    for one, other in zip(got.epochs, expected.epochs, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-2)


@pytest.fixture
def on_two_nodes(task, monkeypatch):
    """Makes a task of 20 steps, each an epoch of one batch, for two nodes of one process that meet on this machine."""
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    n_train = len(load_cohort(DATA).rows("train"))
    train = task.train.model_copy(update={"epochs": 20, "batch_size": n_train - n_train % 2})

    def make():
        address, port = meeting_point()
        where = {"devices": 1, "nodes": 2, "address": address, "port": port}
        return task.model_copy(update={"config": task.config.model_copy(update={"teacher_train": train}), **where})

    return make


def on_both(model, task, folder, *, second=lambda child: child.wait(PATIENCE_S)):
    """What the first node tells, and how the second one ended; `second` is what becomes of that."""
    ended, laid, events = [], threading.Event(), []

    def take_second_part():
        laid.wait(PATIENCE_S)
        child = take_part(task, folder, 1)
        second(child)
        ended.append(child.wait(PATIENCE_S))

    write = Task.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "write", lambda *args: (write(*args), laid.set()))
        node = threading.Thread(target=take_second_part)
        node.start()
        try:
            return fit_apart(model, task, folder, events.append), events, ended
        finally:
            node.join()


@pytest.mark.slow
def test_two_nodes_lose_what_one_process_loses_at_each_of_20_steps(on_two_nodes, tmp_path):
    task, alone, together, cohort = on_two_nodes(), start(), start(), load_cohort(DATA)
    expected = fit(alone, cohort, task.train, task.loss(alone, None), work_dir=tmp_path / "alone", **QUIET)
    got, events, ended = on_both(together, task, tmp_path / "nodes")
    assert ended == [0]
    assert [event["epoch"] for event in events if event["kind"] == "epoch"] == list(range(1, 21)), "one node tells"
    losses, wanted = ([epoch.loss for epoch in report.epochs] for report in (got, expected))
    assert wanted[0] - wanted[-1] > 0.01, "it learns"
    np.testing.assert_allclose(losses, wanted, rtol=0, atol=1e-4)
    val = cohort.rows("val")
    targets, logits = cohort.targets[val], predict_logits(together, cohort.images[val])
    both = [k for k in range(targets.shape[1]) if len(set(targets[:, k])) == 2]
    measured = np.mean([roc_auc_score(targets[:, k], logits[:, k]) for k in both])
    assert got.val_auroc == pytest.approx(measured, abs=1e-6), "of all films of both nodes, each once"


@pytest.mark.slow
def test_a_node_that_dies_is_a_sentence_and_one_process_goes_on_from_the_checkpoint(on_two_nodes, tmp_path):
    folder = tmp_path / "nodes"

    def dies_after_an_epoch(child):
        while not (folder / CHECKPOINT).exists():
            time.sleep(0.01)
        child.kill()

    task, cohort = on_two_nodes(), load_cohort(DATA)
    with pytest.raises(RunError, match=r"on 2 nodes ended before it was done: a node was lost.*from its last epoch"):
        on_both(start(), task, folder, second=dies_after_an_epoch)
    assert not (folder / TRAINED).exists()
    trained = []
    for work in (folder, tmp_path / "alone"):
        model = start()
        trained.append((model, fit(model, cohort, task.train, task.loss(model, None), work_dir=work, **QUIET)))
    (resumed, report), (unbroken, _) = trained
    assert 0 < report.resumed_epochs < 20
    for name, tensor in unbroken.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_folder_that_holds_no_training_is_refused(task, tmp_path):
    with pytest.raises(RunError, match=r"holds no training: expected a readable task.json"):
        train_folder(tmp_path, print, writes=True)
    task.model_copy(update={"devices": 1}).write(tmp_path, start())
    (tmp_path / START).write_bytes((tmp_path / START).read_bytes()[:-200])
    with pytest.raises(RunError, match=r"does not hold the weights of plain_toy"):
        train_folder(tmp_path, print, writes=True)


def test_what_a_page_asked_for_reads_no_more_in_a_process_of_its_own(monkeypatch, tmp_path):
    """The confinement of a run goes with its task, through the file."""
    toys.everywhere(monkeypatch, tmp_path / "site")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "labels.csv").write_text("image,patient,Mass\na.png,1,1\n")
    data = FolderConfig(folder=tmp_path / "films", image_size=32)
    config = RunConfig(name="asked", data=data)
    asked = {
        "config": config,
        "member": "teacher",
        "arch": "plain_toy",
        "labels": ("Mass",),
        "input_size": 32,
        "seed": 0,
    }
    Task(**asked, roots=(tmp_path / "allowed",)).write(tmp_path, build("plain_toy", ("Mass",), 32))
    with pytest.raises(DataError) as error:
        train_folder(tmp_path, lambda event: None, writes=True)
    assert str(error.value) == UNREADABLE


def test_what_a_launcher_said_of_its_own_processes_is_not_handed_on(task, monkeypatch):
    """With TORCHELASTIC_USE_AGENT_STORE both nodes waited for somebody else to open the meeting point."""
    torchrun = {"TORCHELASTIC_USE_AGENT_STORE": "True", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "RANK": "1"}
    for name, value in (torchrun | {"WORLD_SIZE": "2", "MASTER_PORT": "1", "GROUP_RANK": "1"}).items():
        monkeypatch.setenv(name, value)
    got = {}
    monkeypatch.setattr(apart.subprocess, "Popen", lambda command, env, **how: got.update(env))
    take_part(task.model_copy(update={"nodes": 2, "address": "here", "port": 4}), START, 1)
    assert not set(torchrun | {"WORLD_SIZE": "", "GROUP_RANK": ""}) & set(got)
    assert (got["NODE_RANK"], got["MASTER_ADDR"], got["MASTER_PORT"]) == ("1", "here", "4")
