"""What networks answer about films, held against what they were told to say."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from cxrkd.answers import answer
from cxrkd.answers.answer import classify
from cxrkd.answers.engines import QUICK, known_engine, load_engines
from cxrkd.errors import AnswerError
from cxrkd.images.film import Film
from cxrkd.models.zoo import build

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


def film_of(name, pixels, **known):
    tones = np.rint(pixels * 255).astype(np.uint8)
    return Film(name, tones, lambda: pixels, **known)


def ask(films, engines, thresholds, **options):
    """Answers of engines that know three labels."""
    cuts = {member: np.array(values) for member, values in thresholds.items()}
    return classify(films, engines, labels=LABELS, thresholds=cuts, **options)


@pytest.fixture
def film():
    return film_of("a.png", np.random.default_rng(0).random((32, 32), np.float32), digest="abc", notes=("cut",))


@pytest.fixture
def asked(film):
    engines = {"teacher": FakeEngine((0.0, 0.0, 0.0)), "distilled": FakeEngine((2.0, 0.0, -2.0), "quick")}
    phantom = film_of("phantom-1", film.pixels / 2, real=False)
    cuts = {"teacher": (0.4, 0.6, np.nan), "distilled": (0.7, 0.5, 0.1)}
    return ask([film, phantom], engines, cuts, warning="trained on phantoms"), engines


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {member: build(arch, LABELS, 32).eval() for member, arch in ARCHS.items()}


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


def test_the_warning_stands_beside_real_films_only(asked):
    real, phantom = asked[0]
    assert (real.warning, phantom.warning) == ("trained on phantoms", "")
    assert real.to_dict()["warning"] == real.warning


def test_every_image_is_asked_alone_after_one_warm_up(asked, film):
    shown = asked[1]["teacher"].shown
    assert [x.shape for x in shown] == [(1, 1, 32, 32)] * 4, "a warm-up, two images, and one more call to time"
    np.testing.assert_array_equal(shown[1][0, 0], film.pixels)
    assert shown[2].max() < 0.51, "the second film is half as bright"
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
    found = ask([film] * n, {"teacher": engine}, {"teacher": (0.5, 0.5, 0.5)})
    assert len(engine.shown) == calls
    assert [one.members["teacher"].latency_ms for one in found] == pytest.approx([median] * n)


def test_without_timing_there_is_no_latency_and_one_call(film):
    engine = FakeEngine((0.0, 0.0, 0.0))
    (found,) = ask([film], {"teacher": engine}, {"teacher": (0.5, 0.5, 0.5)}, timed=False)
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
    (found,) = ask([film], {"teacher": FakeEngine((0.0, 0.0, 0.0))}, {"teacher": thresholds})
    assert found.verdict("teacher") == words


def test_what_a_network_was_never_taught_is_not_judged(film):
    engine = FakeEngine((0.0, np.nan, 0.0))
    (found,) = ask([film], {"teacher": engine}, {"teacher": (0.9, np.nan, 0.9)})
    assert found.verdict("teacher") == "none of the 2 findings it can call"
    assert found.table()[1]["teacher_positive"] is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_for_a_label_with_a_threshold_is_no_answer(film, value):
    engines = {"teacher": FakeEngine((0.0, value, 0.0))}
    with pytest.raises(AnswerError, match=r"^run-1, teacher gave no number for Edema"):
        ask([film], engines, {"teacher": (0.9, 0.1, 0.9)}, whose="run-1")


def test_no_input_asks_nobody():
    engine = FakeEngine((0.0, 0.0, 0.0))
    assert ask([], {"teacher": engine}, {"teacher": (0.5, 0.5, 0.5)}) == []
    assert engine.shown == []


def test_an_answer_survives_json(asked):
    found = json.loads(json.dumps(asked[0][0].to_dict(), allow_nan=False))
    assert found["members"]["teacher"]["thresholds"] == {"Mass": 0.4, "Edema": 0.6, "Hernia": None}
    assert found["members"]["distilled"]["positive"] == list(LABELS)
    assert (found["name"], found["sha256"], found["notes"]) == ("a.png", "abc", ["cut"])


def test_a_named_engine_answers_as_the_network_does(models, film):
    logits = load_engines({"alone": models["alone"]}, "pytorch")["alone"].predict(film.pixels[None, None])
    with torch.inference_mode():
        expected = models["alone"](torch.from_numpy(film.pixels)[None, None])
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_auto_takes_the_fastest_that_agrees_for_each_network(models, monkeypatch):
    compared = []

    def fastest(model, x, threads):
        compared.append((model, x.shape))
        return FakeEngine((0.0,), model.arch), []

    monkeypatch.setattr("cxrkd.runtime.select.fastest", fastest)
    found = load_engines(models)
    assert {member: engine.name for member, engine in found.items()} == ARCHS
    assert compared == [(model, (8, 1, 32, 32)) for model in models.values()]


def test_what_was_compared_here_before_is_not_compared_again(models, monkeypatch, tmp_path):
    from cxrkd.runtime.choice import Choice, write_choice
    from cxrkd.runtime.protocol import ENGINES
    from cxrkd.runtime.select import EngineReport

    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    model = models["alone"]
    assert known_engine(model, 1) is None
    write_choice(model, 1, Choice("pytorch", tuple(EngineReport(name, 1.0, 0.0, True, "") for name in ENGINES)))
    assert (known_engine(model, 1), known_engine(model, 2)) == ("pytorch", None)
    monkeypatch.setattr("cxrkd.runtime.select.fastest", lambda *_, **__: pytest.fail("compared again"))
    assert load_engines({"alone": model}, threads=1)["alone"].name == "pytorch"


def test_quick_takes_what_is_known_and_prepares_nothing(models, monkeypatch):
    monkeypatch.setattr(
        "cxrkd.answers.engines.known_engine", lambda model, threads: {"resnet18": "fast"}.get(model.arch)
    )
    built = []
    monkeypatch.setattr(
        "cxrkd.runtime.select.build_engine", lambda model, name, threads: built.append((model.arch, name)) or name
    )
    load_engines(models, QUICK, threads=1)
    assert built == [(model.arch, "fast" if model.arch == "resnet18" else "pytorch") for model in models.values()]
