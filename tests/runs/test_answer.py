import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cxrkd.answers import answer, explanation
from cxrkd.answers.answer import Input, choose_members, choose_run, classify, from_radiograph, load_engines
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import AnswerError, ConfigError, RunError
from cxrkd.explain import CAM_METHODS, agreement, baselines, grad_cam
from cxrkd.images import read
from cxrkd.models import build

LABELS = ("Mass", "Edema", "Hernia")
ARCHS = {"teacher": "resnet18", "alone": "mobilenetv3_small_100", "distilled": "mobilenetv3_small_100"}


@dataclass
class FakeEngine:
    """Says the same about every image, and remembers what it was shown."""

    logits: tuple
    name: str = "fake"
    shown: list = field(default_factory=list)

    def predict(self, x):
        self.shown.append(x)
        return np.array([self.logits] * len(x), np.float32)


def fake_run(**thresholds):
    return SimpleNamespace(
        id="fake",
        labels=LABELS,
        config=SimpleNamespace(data=PhantomConfig()),
        thresholds=lambda member: np.array(thresholds[member]),
        members=lambda: list(thresholds),
        state=SimpleNamespace(status="done"),
    )


@pytest.fixture
def film():
    return np.random.default_rng(0).random((32, 32), np.float32)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {member: build(arch, LABELS, 32).eval() for member, arch in ARCHS.items()}


@pytest.fixture
def asked(film):
    run = fake_run(teacher=(0.4, 0.6, np.nan), distilled=(0.7, 0.5, 0.1))
    engines = {"teacher": FakeEngine((0.0, 0.0, 0.0)), "distilled": FakeEngine((2.0, 0.0, -2.0), "quick")}
    inputs = [Input("a.png", film, ("cut",), True, "abc"), Input("phantom-1", film / 2, (), False)]
    return classify(run, inputs, engines), engines


def test_each_member_is_held_against_its_own_thresholds(asked):
    said = asked[0][0].members
    np.testing.assert_allclose(said["teacher"].probs, 0.5)
    np.testing.assert_allclose(said["distilled"].probs, 1 / (1 + np.exp([-2.0, 0.0, 2.0])), atol=1e-6)
    assert said["teacher"].positive.tolist() == [True, False, False]
    assert said["distilled"].positive.tolist() == [True, True, True]


def test_the_table_says_unknown_where_there_is_no_threshold(asked):
    mass, _, hernia = asked[0][0].table()
    assert (mass["label"], mass["teacher_positive"], hernia["teacher_positive"]) == ("Mass", True, None)
    assert hernia["teacher_threshold"] is None
    assert mass["distilled_difference"] == pytest.approx(1 / (1 + np.exp(-2)) - 0.5)
    assert "teacher_difference" not in mass


def test_only_real_films_carry_the_phantom_warning(asked):
    real, phantom = asked[0]
    assert "phantoms" in real.warning
    assert phantom.warning == ""
    assert real.to_dict()["warning"] == real.warning


def test_every_image_is_asked_alone_after_one_warm_up(asked, film):
    shown = asked[1]["teacher"].shown
    assert [x.shape for x in shown] == [(1, 1, 32, 32)] * 4, "a warm-up, two images, and one more call to time"
    np.testing.assert_array_equal(shown[2][0, 0], film / 2)
    assert all(said.latency_ms > 0 for one in asked[0] for said in one.members.values())
    assert asked[0][0].members["distilled"].engine == "quick"


@dataclass
class SlowAtFirst(FakeEngine):
    """Moves a clock: a minute for the first call, then 9, 1, 4 ms and so on."""

    seconds: list = field(default_factory=lambda: [60, 0.009, 0.001, 0.004, 0.002, 0.003])
    now: float = 0.0

    def predict(self, x):
        self.now += self.seconds[len(self.shown)]
        return super().predict(x)


@pytest.mark.parametrize(("n", "calls", "median"), [(1, 4, 4), (2, 4, 4), (3, 4, 4), (5, 6, 3)])
def test_the_latency_is_the_median_of_the_calls_after_the_first(monkeypatch, film, n, calls, median):
    engine = SlowAtFirst((0.0, 0.0, 0.0))
    monkeypatch.setattr(answer.time, "perf_counter", lambda: engine.now)
    found = classify(fake_run(teacher=(0.5, 0.5, 0.5)), [Input("a.png", film)] * n, {"teacher": engine})
    assert len(engine.shown) == calls
    assert [one.members["teacher"].latency_ms for one in found] == pytest.approx([median] * n)


def test_without_timing_there_is_no_latency_and_one_call(film):
    engine = FakeEngine((0.0, 0.0, 0.0))
    (found,) = classify(fake_run(teacher=(0.5, 0.5, 0.5)), [Input("a.png", film)], {"teacher": engine}, timed=False)
    assert len(engine.shown) == 1
    assert np.isnan(found.members["teacher"].latency_ms)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["members"]["teacher"]["latency_ms"] is None


def test_the_verdict_counts_what_can_be_called(asked):
    real = asked[0][0]
    assert real.verdict("teacher") == "mass, of the 2 findings it can call"
    assert real.verdict("distilled") == "mass, edema and hernia, of the 3 findings it can call"
    assert real.verdict("distilled", at_most=1) == "mass and 2 more, of the 3 findings it can call"
    said = real.to_dict()["members"]["teacher"]
    assert (said["verdict"], said["judged"]) == (real.verdict("teacher"), ["Mass", "Edema"])


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ((0.9, 0.9, 0.9), "none of the 3 findings it can call"),
        ((np.nan, 0.9, np.nan), "not edema, the one finding it can call"),
        ((np.nan, 0.1, np.nan), "edema, the one finding it can call"),
        ((np.nan,) * 3, "this model can call no finding: none has enough patients in validation for a threshold"),
    ],
)
def test_no_finding_is_never_said_of_what_cannot_be_called(film, thresholds, words):
    run = fake_run(teacher=thresholds)
    (found,) = classify(run, [Input("a.png", film)], {"teacher": FakeEngine((0.0, 0.0, 0.0))})
    assert found.verdict("teacher") == words


def test_what_a_network_was_never_taught_is_not_judged(film):
    engine = FakeEngine((0.0, np.nan, 0.0))
    (found,) = classify(fake_run(teacher=(0.9, np.nan, 0.9)), [Input("a.png", film)], {"teacher": engine})
    assert found.verdict("teacher") == "none of the 2 findings it can call"
    assert found.table()[1]["teacher_positive"] is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_for_a_label_with_a_threshold_is_no_answer(film, value):
    with pytest.raises(AnswerError, match="teacher gave no number for Edema"):
        classify(fake_run(teacher=(0.9, 0.1, 0.9)), [Input("a.png", film)], {"teacher": FakeEngine((0.0, value, 0.0))})


def test_no_input_asks_nobody():
    engine = FakeEngine((0.0, 0.0, 0.0))
    assert classify(fake_run(teacher=(0.5, 0.5, 0.5)), [], {"teacher": engine}) == []
    assert engine.shown == []


def test_an_answer_survives_json(asked):
    found = json.loads(json.dumps(asked[0][0].to_dict(), allow_nan=False))
    assert found["members"]["teacher"]["thresholds"] == {"Mass": 0.4, "Edema": 0.6, "Hernia": None}
    assert found["members"]["distilled"]["positive"] == list(LABELS)
    assert (found["name"], found["sha256"], found["notes"]) == ("a.png", "abc", ["cut"])


def test_a_file_becomes_an_input_of_the_right_size_with_its_notes(tmp_path):
    from PIL import Image

    path = tmp_path / "wide.png"
    Image.fromarray(np.tile(np.arange(0, 120, dtype=np.uint8), (60, 1)) * 2).save(path)
    found = from_radiograph(read(path.read_bytes(), "wide.png"), 48)
    assert found.pixels.shape == (48, 48)
    assert found.real
    assert any("50%" in note for note in found.notes), "half of the width is cropped away"


def test_members_come_in_the_order_of_the_run():
    run = fake_run(teacher=(), alone=(), distilled=())
    assert choose_members(run) == ["teacher", "alone", "distilled"]
    assert choose_members(run, ["distilled", "teacher"]) == ["teacher", "distilled"]
    with pytest.raises(ConfigError, match="among teacher, alone, distilled, got giant"):
        choose_members(run, ["giant"])
    with pytest.raises(RunError, match="no trained networks"):
        choose_members(fake_run())


def run_on(data, id="run", status="done", auroc=None):
    """A run of which only config and state are known, and the distilled student's macro AUROC if one is given."""

    def metrics():
        if auroc is None:
            raise RunError("no metrics.json")
        figures = SimpleNamespace(over_seeds=SimpleNamespace(macro_auroc=auroc))
        return SimpleNamespace(of={"distilled": figures}.__getitem__)

    config = SimpleNamespace(data=data)
    state = SimpleNamespace(status=status)
    return SimpleNamespace(id=id, state=state, config=config, metrics=metrics, labels=("Mass",))


class Damaged(SimpleNamespace):
    """A run whose config and labels cannot be read."""

    @property
    def config(self):
        raise RunError("config.json is damaged")

    @property
    def labels(self):
        raise RunError("labels.json is damaged")


def test_the_first_finished_run_with_its_images_is_the_default(monkeypatch, tmp_path):
    elsewhere = run_on(ChestXray14Config(folder=tmp_path / "none"), "elsewhere")
    here, drawn = run_on(ChestXray14Config(folder=tmp_path), "here"), run_on(PhantomConfig(), "drawn")
    damaged = Damaged(id="damaged", state=SimpleNamespace(status="done"))
    for runs, first in (([damaged, elsewhere, drawn, here], "drawn"), ([elsewhere, here], "here")):
        monkeypatch.setattr(answer, "list_runs", lambda runs=runs: runs)
        assert choose_run().id == first
    monkeypatch.setattr(answer, "list_runs", lambda: [damaged, elsewhere])
    assert [run.id for run in answer.finished_runs()] == ["elsewhere", "damaged"]


def test_films_from_outside_are_answered_by_a_run_on_patients(monkeypatch, tmp_path):
    real, drawn = run_on(ChestXray14Config(folder=tmp_path / "none"), "real"), run_on(PhantomConfig(), "drawn")
    damaged = Damaged(id="damaged", state=SimpleNamespace(status="done"))
    monkeypatch.setattr(answer, "list_runs", lambda: [damaged, drawn, real])
    assert choose_run(for_films=True).id == "real"
    assert answer.answering(real, [drawn, real]) is real
    assert answer.answering(drawn, [damaged, drawn]) is drawn


def test_of_several_runs_on_the_same_patients_the_best_distilled_student_answers(tmp_path):
    def on(folder, name, auroc=None):
        return run_on(ChestXray14Config(folder=tmp_path / folder), name, auroc=auroc)

    drawn, torn = run_on(PhantomConfig(), "drawn"), on("films", "torn")
    good, better, other = on("films", "good", 0.7), on("films", "better", 0.8), on("elsewhere", "other", 0.9)
    assert answer.answering(drawn, [drawn, torn, good, better, other]) is better
    assert answer.answering(drawn, [drawn, other, better]) is other  # figures on other images do not compare
    assert answer.answering(drawn, [on("films", "empty", np.nan), good]) is good


def test_the_first_finished_run_is_the_default(monkeypatch):
    runs = [run_on(PhantomConfig(), status, status) for status in ("failed", "done", "queued")]
    monkeypatch.setattr(answer, "list_runs", lambda: runs)
    assert choose_run().id == "done"
    monkeypatch.setattr(answer, "list_runs", lambda: runs[:1])
    with pytest.raises(RunError, match="no finished run"):
        choose_run()


def test_a_named_engine_answers_as_the_network_does(models, film):
    logits = load_engines({"alone": models["alone"]}, "pytorch")["alone"].predict(film[None, None])
    with torch.inference_mode():
        expected = models["alone"](torch.from_numpy(film)[None, None])
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_auto_takes_the_fastest_that_agrees_for_each_network(models, monkeypatch):
    compared = []

    def fastest(model, x):
        compared.append((model, x.shape))
        return FakeEngine((0.0,), model.arch), []

    monkeypatch.setattr("cxrkd.runtime.fastest", fastest)
    found = load_engines(models)
    assert {member: engine.name for member, engine in found.items()} == ARCHS
    assert compared == [(model, (8, 1, 32, 32)) for model in models.values()]


@pytest.mark.parametrize("method", CAM_METHODS)
def test_maps_are_those_of_grad_cam(models, film, method):
    x = torch.from_numpy(film)[None, None]
    found = explanation.explain_cams(models, film, method)
    for member, model in models.items():
        np.testing.assert_array_equal(found.heat(member, "Edema"), grad_cam(model, x, method).cams[1])
    assert (found.method, found.labels) == (method, LABELS)


def test_agreement_of_each_student_has_its_own_chance_line(models, film):
    x = torch.from_numpy(film)[None, None]
    found = explanation.explain_cams(models, film)
    lines = baselines(models["teacher"], models["distilled"], x)
    cams = [grad_cam(models[member], x).cams for member in ("teacher", "distilled")]
    told, expected = found.agreement("distilled", "Hernia").to_dict(), agreement(*cams, 2, lines).to_dict()
    assert json.dumps(told) == json.dumps(expected)
    assert found.agreement("teacher", "Hernia") is None


def test_without_a_teacher_there_is_no_agreement(models, film):
    found = explanation.explain_cams({"alone": models["alone"]}, film)
    assert found.agreement("alone", "Mass") is None
    assert found.to_dict("Mass")["members"]["alone"]["agreement_with_teacher"] is None


def test_networks_of_different_labels_are_not_compared(models, film):
    stranger = build("resnet18", ["Mass"], 32).eval()
    with pytest.raises(ConfigError, match="same labels"):
        explanation.explain_cams({"teacher": models["teacher"], "alone": stranger}, film)


class Bright:
    """Logit k is the mean of the image's left half times k: LIME must find the left half and nothing else."""

    name = "bright"

    def predict(self, x):
        left = x[:, 0, :, : x.shape[-1] // 2].mean((1, 2))
        return np.stack([left * k for k in range(3)], 1).astype(np.float32)


def test_lime_of_all_members_shares_its_superpixels(film):
    engines = {"teacher": Bright(), "distilled": Bright()}
    told = []
    found = explanation.explain_lime(
        engines, LABELS, film, n_samples=64, n_segments=8, fill="black", progress=lambda *a: told.append(a)
    )
    heat = found.heat("teacher", "Hernia")
    np.testing.assert_array_equal(heat, found.heat("distilled", "Hernia"))
    assert heat[:, :12].mean() > 5 * abs(heat[:, 20:].mean())
    equal = found.agreement("distilled", "Hernia")
    assert equal.spearman == pytest.approx(equal.ceiling_spearman, nan_ok=True)
    assert equal.spearman > 0.3
    assert found.agreement("teacher", "Hernia") is None
    assert told[-1] == (64, 64)


def test_explanations_survive_json(models, film):
    cams = explanation.explain_cams(models, film).to_dict("Mass")
    lime = explanation.explain_lime({"teacher": Bright()}, LABELS, film, n_samples=32, n_segments=6).to_dict("Edema")
    found = json.loads(json.dumps([cams, lime], allow_nan=False))
    assert np.shape(found[0]["members"]["alone"]["cam"]) == (1, 1)
    assert len(found[1]["members"]["teacher"]["weights"]) == found[1]["n_segments"]
    assert found[1]["n_samples"] == 32
