"""One training in several processes, over gloo on the CPU, against the same training in one."""

import pytest
import torch

from cxrkd.access.folders import UNREADABLE
from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import DataError, RunError
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.zoo import build
from cxrkd.train.apart import fit_apart
from cxrkd.train.fit import fit
from cxrkd.train.task import START, Task, train_folder
from tests import toys

DATA = PhantomConfig(n_patients=20, image_size=32)


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
