"""Which engine answers on pages: the fastest that agrees, or one whose answers to the run's films are good enough."""

import math

import pytest

from cxrkd.dashboard import engines
from cxrkd.dashboard.efficiency import costs
from cxrkd.evaluate.paired import paired_difference
from cxrkd.runs.approximating import Approximation
from cxrkd.runtime.choice import Choice
from cxrkd.runtime.select import EngineReport

REPORTS = (
    EngineReport("pytorch", 20.0, 0.0, True, ""),
    EngineReport("openvino", 5.0, 1e-6, True, ""),
    EngineReport("openvino-bf16", 3.0, 4e-3, False, "too far off"),
    EngineReport("onnxruntime", math.nan, math.nan, False, "is not installed"),
)


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """What is chosen where engines were measured on the run's films."""
    monkeypatch.setattr(engines, "compare", lambda weights, network, threads: Choice("openvino", REPORTS))
    monkeypatch.setattr("cxrkd.runtime.select.build_engine", lambda network, name, threads: name)

    class Run:
        def weights_path(self, member):
            return tmp_path

    def choose(*names):
        same = paired_difference([[0.0], [1.0]], [[0.0], [1.0]], [[0], [1]], ["a", "b"], ["x"])
        known = {name: Approximation(name, "distilled", "", 0.02, same) for name in names}
        monkeypatch.setattr(engines, "approximations", lambda run, member: known)
        return engines.choose(Run(), "distilled", None)

    return choose


def test_the_fastest_that_agrees_answers(chosen):
    assert chosen().engine == "openvino"
    assert chosen().reports == REPORTS


def test_one_in_fewer_digits_answers_where_it_was_measured_and_says_so(chosen):
    found = chosen("openvino-bf16", "onnxruntime")
    assert found.engine == "openvino-bf16"
    by_name = {report.name: report for report in found.reports}
    assert by_name["openvino-bf16"].agrees
    assert "on 2 test films" in by_name["openvino-bf16"].note
    assert not by_name["onnxruntime"].agrees, "it is not here"
    rows = [costs.Measured("distilled", r.name, r.latency_ms, math.nan, r.agrees, r.note) for r in found.reports]
    assert costs.best(rows) == {"distilled": 3.0}
    used, missing = costs.remarks(rows)
    assert used.startswith("OpenVINO bfloat16 may be used for the student distilled: on 2 test films")
    assert missing.startswith("ONNX Runtime is not used")
