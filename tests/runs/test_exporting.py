"""Curves for TensorBoard and MLflow, held against the events, with stand-ins for packages that are not required."""

import json
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import pytest

from cxrkd.cli.main import main
from cxrkd.errors import ConfigError
from cxrkd.jobs.events import EVENTS, append_event
from cxrkd.jobs.state import read_state, write_state
from cxrkd.runs import exporting
from cxrkd.runs.exporting import export
from cxrkd.runs.loggers import MLflow, TensorBoard, logger_of
from tests import toys


@pytest.fixture
def run():
    return toys.finished_run(toys.tiny_config("small"))


@pytest.fixture
def scalars(monkeypatch):
    """(folder, name, step) -> value, of a stand-in for the writer of TensorBoard."""
    written, texts = {}, []

    class SummaryWriter:
        def __init__(self, folder):
            self.folder = folder

        def add_scalar(self, name, value, step, seconds):
            assert (self.folder, name, step) not in written, "twice"
            written[self.folder, name, step] = (value, seconds)

        def add_text(self, name, text):
            texts.append(text)

        def close(self):
            self.folder = None

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter, module.texts = SummaryWriter, texts
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return written


@pytest.fixture
def tracked(monkeypatch):
    """A stand-in for MLflow's client, with what it was given by URI."""
    stores = {}

    class MlflowClient:
        def __init__(self, tracking_uri):
            self.store = stores.setdefault(tracking_uri, {"runs": [], "metrics": {}, "params": {}})

        def get_experiment_by_name(self, name):
            return SimpleNamespace(experiment_id="7") if self.store["runs"] else None

        def create_experiment(self, name):
            return "7"

        def search_runs(self, experiments, query):
            assert experiments == ["7"]
            return [run for run in self.store["runs"] if f"'{run.data.tags['cxrkd.job']}'" in query]

        def create_run(self, experiment, tags, run_name):
            run = SimpleNamespace(data=SimpleNamespace(tags=dict(tags)), info=SimpleNamespace(run_id=run_name))
            self.store["runs"].append(run)
            return run

        def log_param(self, run, key, value):
            assert key not in self.store["params"], "twice"
            self.store["params"][key] = value

        def log_metric(self, run, key, value, timestamp, step):
            assert (run, key, step) not in self.store["metrics"], "twice"
            self.store["metrics"][run, key, step] = (value, timestamp)

        def set_tag(self, run, key, value):
            next(one for one in self.store["runs"] if one.info.run_id == run).data.tags[key] = value

    module = ModuleType("mlflow")
    module.MlflowClient = MlflowClient
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return stores


def epochs(run):
    return [event for event in run.events() if event["kind"] == "epoch"]


def more(run, epoch):
    event = {"kind": "epoch", "stage": "distilled-0", "epoch": epoch, "epochs": 2, "loss": 0.5, "val_auroc": 0.7}
    append_event(run.path / EVENTS, event | {"parts": {"task": 0.4, "bkd": None}})


def test_every_epoch_is_written_to_tensorboard_once(run, scalars, tmp_path):
    target = TensorBoard(str(tmp_path), run.id)
    assert export(run, target) == 3
    for event in epochs(run):
        for name in ("loss", "val_auroc", "images_per_s"):
            key = (str(tmp_path / run.id / event["stage"]), name, event["epoch"])
            assert scalars[key] == (event[name], event["t"])
    assert any("| student_arch | toy |" in text for text in sys.modules["torch.utils.tensorboard"].texts)
    assert export(run, TensorBoard(str(tmp_path), run.id)) == 0
    more(run, 2)
    assert export(run, TensorBoard(str(tmp_path), run.id)) == 1
    folder = str(tmp_path / run.id / "distilled-0")
    assert scalars[folder, "parts/task", 2][0] == 0.4
    assert (folder, "parts/bkd", 2) not in scalars, "no number"


def test_every_epoch_is_written_to_mlflow_once(run, tracked):
    assert export(run, MLflow("sqlite:///x.db", run.id)) == 3
    store = tracked["sqlite:///x.db"]
    for event in epochs(run):
        value, stamp = store["metrics"][run.id, f"{event['stage']}/val_auroc", event["epoch"]]
        assert (value, stamp) == (event["val_auroc"], int(event["t"] * 1e3))
    assert store["params"]["student_train.batch_size"] == "16"
    more(run, 2)
    assert export(run, MLflow("sqlite:///x.db", run.id)) == 1
    assert len(store["runs"]) == 1


def test_a_run_is_followed_until_it_is_at_rest(run, scalars, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LOOK_EVERY_S", 0.02)
    write_state(run.path, read_state(run.path).at_rest("queued"))

    def works():
        time.sleep(0.1)
        more(run, 2)
        write_state(run.path, read_state(run.path).at_rest("done"))

    worker = threading.Thread(target=works)
    worker.start()
    assert export(run, TensorBoard(str(tmp_path), run.id), follow=True) == 4
    worker.join()


def test_the_verb_writes_and_says_what_is_missing(run, scalars, tmp_path, capsys, monkeypatch):
    assert main(["runs", "export", run.id, "--to", f"tensorboard:{tmp_path}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 3
    for package, target in (("mlflow", "mlflow:file:x"), ("torch.utils.tensorboard", f"tensorboard:{tmp_path}/b")):
        monkeypatch.setitem(sys.modules, package, None)
        assert main(["runs", "export", run.id, "--to", target]) == 2
        assert "is not installed here, and cxrkd does not need it: pip install" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("target", ["tensorboard", "wandb:x", "mlflow:", ""])
def test_a_target_that_is_none_is_refused(target):
    with pytest.raises(ConfigError, match=r"Expected tensorboard:DIR or mlflow:URI, got"):
        logger_of(target, "job")
