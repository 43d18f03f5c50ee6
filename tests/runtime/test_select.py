import json
import math

import numpy as np
import pytest

from cxrkd.runtime import export, select
from cxrkd.runtime.engines.onnxruntime import OnnxEngine
from cxrkd.runtime.engines.openvino import OpenVinoEngine
from cxrkd.runtime.protocol import ENGINES, default_threads
from cxrkd.runtime.select import compare_engines, fastest


def with_latencies(monkeypatch, **latencies):
    """Engines as fast as a test needs them."""
    monkeypatch.setattr(
        select, "_timed", lambda engine, x, *_: np.asarray([latencies.get(engine.name.replace("-", "_"), 99.0)])
    )


def by_name(reports):
    return {r.name: r for r in reports}


def test_every_engine_is_reported_in_order(model, images):
    reports = compare_engines(model, images, threads=1, max_s=0.1)
    assert tuple(r.name for r in reports) == tuple(ENGINES)
    for report in reports[:3]:
        assert report.agrees
        assert report.latency_ms > 0
        assert report.max_abs_prob_diff < 1e-5
        assert report.note == ""
    json.dumps([r.to_dict() for r in reports])


def test_the_fastest_that_agrees_is_chosen(model, images, expected, monkeypatch):
    with_latencies(monkeypatch, pytorch=5, onnxruntime=2, openvino=3)
    engine, reports = fastest(model, images, threads=1)
    assert engine.name == "onnxruntime"
    assert by_name(reports)["openvino"].latency_ms == 3
    np.testing.assert_allclose(engine.predict(images), expected, rtol=1e-4, atol=1e-5)


def test_a_fast_engine_that_differs_is_not_chosen(model, images, monkeypatch):
    with_latencies(monkeypatch, pytorch=5, onnxruntime=2, openvino=3)
    right = OnnxEngine.predict
    monkeypatch.setattr(OnnxEngine, "predict", lambda self, x: right(self, x) + 0.05)
    engine, reports = fastest(model, images, threads=1)
    report = by_name(reports)["onnxruntime"]
    assert engine.name == "openvino"
    assert not report.agrees
    assert 1e-3 < report.max_abs_prob_diff < 0.05
    assert "can differ from PyTorch's by 0.01" in report.note
    assert fastest(model, images, tolerance=0.02, threads=1)[0].name == "onnxruntime"


def test_agreement_does_not_hang_on_confident_images():
    """Far from zero a probability hardly moves; the same error elsewhere would show."""
    confident = np.asarray([[-12.0, 3.0]])
    report = select._report("openvino", 1.0, confident + np.asarray([[0.1, 0.0]]), confident, 1e-3)
    assert report.max_abs_prob_diff < 1e-6
    assert not report.agrees


def test_worst_change_bounds_the_difference_of_probabilities():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, 1000)
    error = rng.normal(0, 0.1, 1000)
    prob = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    difference = np.abs(prob(z + error) - prob(z)).max()
    assert difference <= select.worst_change(z + error, z) < 3 * difference


def test_one_wrong_image_in_a_batch_is_enough(model, images, monkeypatch):
    right = OnnxEngine.predict

    def off(self, x):
        logits = right(self, x)
        logits[-1, -1] += 0.05
        return logits

    monkeypatch.setattr(OnnxEngine, "predict", off)
    assert not by_name(compare_engines(model, images, threads=1, max_s=0.1))["onnxruntime"].agrees


def test_an_engine_that_answers_nan_does_not_agree(model, images, monkeypatch):
    monkeypatch.setattr(OpenVinoEngine, "predict", lambda self, x: np.full((len(x), 3), np.nan, np.float32))
    assert not by_name(compare_engines(model, images, threads=1, max_s=0.1))["openvino"].agrees


@pytest.mark.parametrize("missing", [("openvino",), ("onnxruntime",), ("onnx",), ("onnxruntime", "openvino")])
def test_a_missing_package_is_a_note(model, images, tmp_path, monkeypatch, missing):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    find = export.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name in missing else find(name))
    engine, reports = fastest(model, images, threads=1, max_s=0.1)
    assert engine.predict(images).shape == (7, 3)
    assert by_name(reports)["pytorch"].agrees
    for name in set(missing) & set(ENGINES):
        report = by_name(reports)[name]
        assert not report.agrees
        assert math.isnan(report.latency_ms)
        assert f"pip install {name}" in report.note


def test_threads_default_to_pytorchs(model):
    for name in ("pytorch", "onnxruntime", "openvino"):
        assert select.build_engine(model, name).threads == default_threads()


def test_no_answer_agrees_with_no_answer_only():
    z = np.array([[1.0, np.nan]])
    assert select.worst_change(z, z) == 0
    assert select.worst_change(np.array([[1.0, 0.0]]), z) == np.inf
