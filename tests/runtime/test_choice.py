"""What was found out about engines is kept, and believed only while its files are what they were."""

import json
import math

import pytest

from cxrkd.runtime.choice import Choice, choice_path, read_choice, write_choice
from cxrkd.runtime.export import cache_path
from cxrkd.runtime.protocol import ENGINES
from cxrkd.runtime.select import EngineReport

CHOICE = Choice(
    "onnxruntime",
    tuple(
        EngineReport(name, math.nan if "bf16" in name else 2.5, 0.0, "bf16" not in name, "no" if "bf16" in name else "")
        for name in ENGINES
    ),
)


@pytest.fixture
def kept(model, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    cache_path(model).parent.mkdir(parents=True)
    cache_path(model).write_bytes(b"a network")
    write_choice(model, 1, CHOICE)
    return choice_path(model, 1)


def test_a_choice_is_read_as_it_was_written(model, kept):
    found = read_choice(model, 1)
    assert found.engine == "onnxruntime"
    assert [r.name for r in found.reports] == list(ENGINES)
    assert found.reports[:3] == CHOICE.reports[:3]
    assert math.isnan(found.reports[3].latency_ms)


def test_another_number_of_threads_is_another_choice(model, kept):
    assert read_choice(model, 2) is None
    assert kept.exists()


def test_other_versions_are_another_choice(model, kept, monkeypatch):
    monkeypatch.setattr("cxrkd.runtime.choice._version", lambda package: "other")
    assert read_choice(model, 1) is None


def changed(**values):
    return lambda text: json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: "\x00" * 40,
        changed(engine="pickle"),
        changed(engine="openvino-bf16"),
        changed(engine=None),
        changed(reports=[]),
        changed(reports=[{"name": "pytorch"}]),
        changed(reports=None),
        changed(onnx="0" * 64),
    ],
)
def test_a_damaged_choice_counts_for_nothing_and_is_removed(model, kept, damage):
    kept.write_text(damage(kept.read_text()))
    assert read_choice(model, 1) is None
    assert not kept.exists()
    assert not cache_path(model).exists(), "which of the two is damaged cannot be told"


def test_bytes_that_are_no_text(model, kept):
    kept.write_bytes(b"\xff\xfe\x80")
    assert read_choice(model, 1) is None


def test_an_onnx_file_that_was_changed_is_not_trusted(model, kept):
    cache_path(model).write_bytes(b"a Network")
    assert read_choice(model, 1) is None
    assert not cache_path(model).exists()
