"""A network and an engine that only this file knows stand on the command line, in the form and on the page."""

from contextlib import suppress
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest
from torch import nn

from cxrkd.cli import main
from cxrkd.cost.latency import measure_latency
from cxrkd.dashboard import engines, routes
from cxrkd.dashboard.caching import ahead
from cxrkd.dashboard.efficiency import latency
from cxrkd.models.classifier import Backbone
from cxrkd.models.network import NETWORKS, Network
from cxrkd.runtime.engines.pytorch import TorchEngine
from cxrkd.runtime.protocol import ENGINES, EngineEntry
from tests.dashboard.test_pages import GUESSED, at_once, chosen


class Pooled(Backbone):
    def __init__(self, n_labels):
        super().__init__()
        self.trunk, self.head = nn.Conv2d(3, 4, 3, 2), nn.Linear(4, n_labels)

    def forward_features(self, x):
        return self.trunk(x).relu()

    def forward_head(self, features):
        return self.head(features.mean((2, 3)))


class Twice(TorchEngine):
    """Answers as PyTorch does, after asking twice."""

    name = "twice"

    def predict(self, x):
        super().predict(x)
        return super().predict(x)


NETWORK = Network(
    name="pooled",
    title="Pooled convolution",
    sentence="One convolution and a line.",
    role="student",
    make=lambda n_labels, size, state: Pooled(n_labels),
    min_size=48,
)
ENGINE = EngineEntry(name="twice", title="PyTorch twice", sentence="Asks twice.", needs=("torch",), make=Twice)


@pytest.fixture(autouse=True)
def _toys(monkeypatch, tmp_path):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    monkeypatch.setattr(ahead, "in_background", at_once)
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: at_once(lambda: GUESSED))
    with NETWORKS.adding(NETWORK), ENGINES.adding(ENGINE):
        yield


def said(capsys, *words):
    """What a command prints on both streams."""
    with suppress(SystemExit):
        main(list(words))
    return "\n".join(capsys.readouterr())


def test_the_network_is_on_the_command_line(capsys):
    assert "Pooled convolution. One convolution and a line." in said(capsys, "list", "networks")
    assert "needs inputs of 48 to 2048 pixels" in said(capsys, "list", "networks")
    assert "182" in said(capsys, "models", "pooled", "--size", "48")
    assert "pooled" in said(capsys, "distill", "--name", "x", "--student", "pooled", "--dry-run")
    small = said(capsys, "distill", "--name", "x", "--student", "pooled", "--image-size", "32", "--queue")
    assert "pooled takes inputs of 48 to 2048 pixels, got 32" in small


def test_the_network_is_in_the_form():
    page = AppTest.from_file(routes.BY_NAME["distill"].path, default_timeout=60).run()
    (student,) = (box for box in page.selectbox if box.label == "Student")
    assert "Pooled convolution" in student.options
    assert "- **Pooled convolution**: One convolution and a line." in student.help


def test_the_engine_is_on_the_command_line(capsys):
    assert "PyTorch twice. Asks twice." in said(capsys, "list", "engines")
    for verb in ("classify", "explain"):
        assert "twice" in said(capsys, verb, "--help").partition("--engine {")[2].partition("}")[0]


def test_the_engine_is_timed_on_the_page(home_with_run, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(home_with_run))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", routes.SITE / "no-such-folder")
    monkeypatch.setattr(engines, "choose", lambda run, member, network: chosen("pytorch", network))
    monkeypatch.setattr(latency, "ENGINES", ("pytorch", "twice"))  # the others would be exported to
    monkeypatch.setattr("cxrkd.cost.latency.measure_latency", partial(measure_latency, warmup=0, runs=1))
    page = AppTest.from_file(routes.BY_NAME["efficiency"].path, default_timeout=60).run()
    next(button for button in page.button if button.label == "Measure latency").click().run()
    assert not page.exception
    table = next(frame.value for frame in page.dataframe if "PyTorch twice" in frame.value)
    assert table["PyTorch twice"].str.endswith(" ms").all()
