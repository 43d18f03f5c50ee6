"""The engines compared by a helper process, and by nobody a second time."""

import os
import subprocess

import pytest

from cxrkd.answers import comparing
from cxrkd.errors import EngineError
from cxrkd.runtime.choice import read_choice
from cxrkd.runtime.protocol import ENGINES
from cxrkd.runtime.select import EngineReport


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))


@pytest.fixture
def network(tiny_run):
    return tiny_run.load_model("distilled")


def compared(model, x, **options):
    reports = [EngineReport(name, 1.0, 0.0, name == "pytorch", "") for name in ENGINES]
    return type("Engine", (), {"name": "pytorch"})(), reports


def test_the_helper_leaves_its_finding(tiny_run, home, network, monkeypatch):
    priority = []
    monkeypatch.setattr(os, "nice", priority.append)
    monkeypatch.setattr("cxrkd.runtime.select.fastest", compared)
    comparing.main(str(tiny_run.weights_path("distilled")), 1)
    assert priority == [comparing.NICENESS]
    assert read_choice(network, 1).engine == "pytorch"


def test_a_choice_that_is_kept_asks_no_helper(tiny_run, home, network, monkeypatch):
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr("cxrkd.runtime.select.fastest", compared)
    comparing.main(str(tiny_run.weights_path("distilled")), 1)
    monkeypatch.setattr(comparing, "_help", lambda *_: pytest.fail("asked again"))
    assert comparing.choose(tiny_run.weights_path("distilled"), network, 1).engine == "pytorch"


@pytest.mark.parametrize(("said", "told"), [("Traceback\nno space left\n", "no space left"), ("", "it said nothing")])
def test_a_helper_that_fails_is_a_sentence(tiny_run, home, network, monkeypatch, said, told):
    monkeypatch.setattr(comparing, "_help", lambda *_: said)
    with pytest.raises(EngineError, match=rf"could not be compared, so PyTorch answers \({told}\)"):
        comparing.choose(tiny_run.weights_path("distilled"), network, 1)


def test_a_helper_that_cannot_start_is_a_sentence(tiny_run, home, network, monkeypatch):
    def refuse(*_, **__):
        raise OSError("out of processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(EngineError, match="out of processes"):
        comparing.choose(tiny_run.weights_path("distilled"), network, 1)


def test_the_helper_finds_the_package_and_says_what_is_wrong(tiny_run, home, network, tmp_path, monkeypatch):
    """A real process; it ends at once because there is no such file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EngineError, match="There is no weights file"):
        comparing.choose(tmp_path / "nobody.safetensors", network, 1)
