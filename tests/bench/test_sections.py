"""The sections on toy sizes. What they say about equality is asserted, what they say about time is not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logit

from cxrkd.bench.engines import Row, best_engine
from cxrkd.bench.gradcam import KeepingRaw, Tapped, raw_maps
from cxrkd.bench.lime import eager_probs
from cxrkd.bench.lime_samples import AT_MOST, Coins, samples_for
from cxrkd.bench.machine import machine
from cxrkd.bench.plan import plan
from cxrkd.bench.roofline import PRECISIONS, SIDE
from cxrkd.bench.sections import SECTIONS, run_sections
from cxrkd.cost.count import count
from cxrkd.errors import ConfigError, EngineError
from cxrkd.explain.cam import grad_cam
from cxrkd.runtime.engines.pytorch import TorchEngine


@pytest.fixture(scope="module")
def quick():
    return plan(quick=True)


class Biased:
    """A quick engine that is wrong by a constant."""

    def __init__(self, model, name, bias):
        self.name, self.threads, self.bias, self.labels = name, 1, bias, len(model.labels)

    def predict(self, x):
        return np.full((len(x), self.labels), self.bias, np.float32)


def build_fake(model, name, *, threads=None):
    """PyTorch is real; ONNX Runtime is quick and wrong, OpenVINO is PyTorch again, its bfloat16 cannot be had.

    The real ones need a minute of exporting and have tests of their own.
    """
    if name == "openvino-bf16":
        raise EngineError("no bfloat16 here")
    if name == "onnxruntime":
        return Biased(model, name, 5.0)
    engine = TorchEngine(model)
    engine.name = name
    return engine


@pytest.fixture(scope="module")
def measured(quick):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxrkd.bench.engines.build_engine", build_fake)
        patch.setattr("cxrkd.runtime.select.fastest", lambda model, x, threads: (TorchEngine(model), []))
        patch.setattr("cxrkd.bench.roofline.fastest", lambda model, x: (TorchEngine(model), []))
        return {name: list(run_sections(quick, [name], lambda _: None)) for name in SECTIONS}


def test_every_section_reports_both_sides(measured):
    sections = [section for found in measured.values() for section in found]
    arithmetics = len(measured["roofline"])  # bfloat16 is not everywhere
    assert [len(found) for found in measured.values()] == [2, arithmetics, 1, 1, 1, 2, 3, 3]
    for section in sections:
        assert section.rounds == 1
        speed = section.theirs_ms / section.ours_ms
        of_cost = section.goal is not None and not section.goal.at_least
        assert section.ratio == pytest.approx(1 / speed if of_cost else speed), "one round: the ratio of its two times"
        assert section.ratio_low == section.ratio == section.ratio_high
        json.dumps(section.to_dict(), allow_nan=False)
    assert len({section.name for section in sections}) == len(sections)


def test_the_promises_are_those_of_the_project(measured):
    goals = {name: found[0].to_dict()["goal"] for name, found in measured.items()}
    promised = {"engines": ">= 60x", "gradcam": ">= 25x", "audit": ">= 10x", "lime": ">= 3x", "cache": "<= 1.1x"}
    assert goals == promised | {"roofline": None, "pipeline": None, "films": ">= 10x"}


def test_the_maps_that_are_timed_are_equal(measured):
    detail = measured["gradcam"][0].detail
    assert detail["maps_equal"] is True
    assert detail["max_abs_map_difference"] <= 1e-5
    assert detail["max_abs_map"] > 1e-4, "all-zero maps would be equal, too"


def test_an_audit_counts_the_films_that_it_could_explain_in_a_minute(measured):
    (section,) = measured["audit"]
    each = section.detail["films_a_minute"]
    assert each["ours"] / each["theirs"] == pytest.approx(section.ratio)


def test_raw_maps_are_signed_and_those_of_the_library(quick):
    x = torch.from_numpy(quick.x)
    tapped = Tapped(quick.student).eval()
    with KeepingRaw(tapped, [tapped.tap]) as cam:
        found = raw_maps(cam, x, 14)
    assert found.min() < 0
    np.testing.assert_allclose(found, grad_cam(quick.student, x).cams, atol=1e-5)


def test_the_best_that_any_map_could_reach_is_one_forward_pass(measured):
    (section,) = measured["gradcam"]
    assert section.detail["largest_possible_ratio"] == pytest.approx(section.theirs_ms / section.detail["forward_ms"])


def test_both_sides_of_lime_ask_the_same_network_in_their_own_way(quick):
    """Theirs wants probabilities of colour images, ours logits of grey ones."""
    film = np.random.default_rng(0).random((2, 64, 64), np.float32)
    probs = eager_probs(quick.student)(np.repeat(film[..., None], 3, axis=3))
    np.testing.assert_allclose(logit(probs), TorchEngine(quick.student).predict(film[:, None]), atol=1e-4)


def test_both_sides_of_lime_show_the_networks_what_equal_stability_takes(measured):
    detail = measured["lime"][0].detail
    samples, two_seeds = detail["samples"], detail["rank correlation of two seeds"]
    assert detail["ours"]["forwards"] == samples["teacher"] + samples["distilled"]
    assert detail["theirs"]["forwards"] == 2 * samples["theirs"]
    at_the_bound = samples["theirs"] == AT_MOST * max(samples["teacher"], samples["distilled"])
    assert two_seeds["theirs"] >= two_seeds["ours"] or at_the_bound
    assert 0 < detail["ours"]["share_of_time_in_forwards"] <= 1
    assert detail["superpixels"] > 2


def test_independent_coins_need_more_samples_for_more_stability():
    segments = np.kron(np.arange(16).reshape(4, 4), np.ones((4, 4), int)).astype(np.int32)
    pixels = np.random.default_rng(0).random((16, 16), np.float32)

    def curved(x):
        each = np.stack([x[:, 0][:, segments == s].mean(1) for s in range(16)], 1).astype(np.float64)
        return (each @ np.linspace(-1, 1, 16) + 0.05 * np.sin(1e4 * each.sum(1)))[:, None].astype(np.float32)

    coins = [Coins({"m": curved}, pixels, segments, seed) for seed in (0, 1)]
    few, low = samples_for(0.3, coins, 40)
    many, high = samples_for(0.75, coins, 40)
    assert few < many
    assert low >= 0.3
    assert high >= 0.75 or many == AT_MOST * 40


def test_an_engine_that_does_not_agree_is_never_the_best(measured, quick):
    detail = measured["engines"][0].detail
    rows = detail[quick.student.arch]
    assert rows["pytorch"]["max_abs_prob_diff"] == 0
    assert not rows["onnxruntime"]["agrees"]
    assert rows["openvino"]["agrees"]
    assert " on onnxruntime" not in measured["engines"][0].ours
    assert detail["not_available"][f"{quick.student.arch} openvino-bf16"] == "no bfloat16 here"


def test_one_in_fewer_digits_that_was_measured_on_the_films_of_the_run_counts(quick):
    """As on pages; of the student alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxrkd.bench.engines.build_engine", build_fake)
        first, _ = run_sections(replace(quick, approximate=frozenset({"onnxruntime"})), ["engines"], lambda _: None)
    assert first.detail[quick.student.arch]["onnxruntime"]["agrees"]
    assert not first.detail[quick.teacher.arch]["onnxruntime"]["agrees"]
    assert " on onnxruntime" in first.ours


def test_the_best_engine_is_the_quickest_of_those_that_agree():
    rows = {("a", "x"): Row(1.0, 0.1, False), ("a", "y"): Row(5.0, 0.0, True), ("a", "z"): Row(4.0, 0.0, True)}
    assert best_engine(rows | {("b", "y"): Row(0.5, 0.0, True)}, "a") == "z"


def test_the_machine_is_described():
    found = machine()
    assert found["cores"] >= 1
    assert found["torch_threads"] >= 1
    assert len(found["load_average"]) == 3
    assert torch.__version__.startswith(found["packages"]["torch"])


def test_less_than_one_round_is_refused():
    with pytest.raises(ConfigError, match="at least one round"):
        plan(quick=True, rounds=0)


def test_the_verb_prints_the_ratio_and_the_machine(capsys):
    from cxrkd.cli import main

    assert main(["bench", "--quick", "--only", "gradcam", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["quick"] is True
    assert [section["name"] for section in document["sections"]] == ["Grad-CAM of all labels"]
    assert main(["bench", "--quick", "--only", "gradcam"]) == 0
    assert "largest_possible_ratio" in capsys.readouterr().out


def test_the_pipeline_is_held_against_a_step_of_the_same_films(measured):
    for section in measured["pipeline"]:
        made, learned = section.detail["images_per_s"].values()
        assert made / learned == pytest.approx(section.ratio)
    changed = [section.ours for section in measured["pipeline"]]
    assert [("turned" in ours, "degraded" in ours) for ours in changed] == [(False, False), (True, False), (True, True)]


def test_the_roof_is_the_longer_of_arithmetic_and_memory(measured, quick):
    """Both from rates that were measured, for what the student has to do."""
    sections = measured["roofline"]
    names = [section.name.removeprefix("Student against what ").removesuffix(" allows") for section in sections]
    assert {"float32", "8 bits"} <= set(names) <= set(PRECISIONS)
    macs = count(quick.student).macs
    for name, section in zip(names, sections, strict=True):
        detail, ms = section.detail, section.detail["ms"]
        assert ms["arithmetic"] == pytest.approx(macs / detail["G_multiply_adds_a_second"] / 1e6)
        assert ms["memory"] == pytest.approx(detail["MB_moved"] / detail["GB_a_second"])
        assert section.theirs_ms == max(ms.values())
        assert section.theirs.startswith(max(ms, key=ms.get))
        assert detail["MB_moved"] * 1e6 > PRECISIONS[name].bytes * count(quick.student).params
        (faster,) = (detail[key] for key in detail if key.startswith("times_faster"))
        assert faster["at most"] / faster["student"] == pytest.approx(section.ours_ms / section.theirs_ms)


def test_a_product_in_bytes_is_exact_and_one_in_floats_is_close():
    numbers = PRECISIONS["float32"].product(1)
    product = next(iter(numbers().values()))
    x = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    np.testing.assert_allclose(product, x @ x, atol=1e-2)
    rng = np.random.default_rng(0)
    weights, bytes_ = rng.integers(-127, 128, (SIDE, SIDE), np.int8), rng.integers(0, 256, (SIDE, SIDE), np.uint8)
    (product,) = PRECISIONS["8 bits"].product(1)()
    np.testing.assert_array_equal(product[:8], bytes_[:8].astype(np.int64) @ weights.astype(np.int64))
