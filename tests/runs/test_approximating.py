"""Engines in fewer digits, on the films that a run was tested on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cxrkd.cli import main
from cxrkd.errors import EngineError
from cxrkd.evaluate.paired import AS_GOOD
from cxrkd.models.weights import save_weights
from cxrkd.runs.approximating import (
    FILE,
    LARGEST,
    approximate,
    approximations,
    keep_approximations,
    kept_approximations,
)
from cxrkd.runs.checking.check import check_job
from cxrkd.runs.predictions import kept_rows, write_logits
from cxrkd.runs.reference import cohort_of
from cxrkd.runs.run import open_run
from cxrkd.runtime.engines.pytorch import TorchEngine
from cxrkd.train.predict import predict_logits
from tests import toys


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run whose kept answers are those of its untrained network, and its films."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("approximating")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")
        run = toys.finished_run(toys.tiny_config("asked", patients=400, arch="plain_toy"))
        cohort = cohort_of(run)
        for member in run.members():
            logits = predict_logits(run.load_model(member), cohort.images[kept_rows(cohort)])
            write_logits(run.path, member, 0, logits)
        yield open_run(run.path), cohort


@pytest.fixture
def run(made):
    yield made[0]
    (made[0].path / FILE).unlink(missing_ok=True)


class Coarse(TorchEngine):
    """Answers from films of so many tones."""

    tones = 4

    def predict(self, x):
        return super().predict(np.round(x * self.tones) / self.tones)


def measured(made, engine="onnxruntime", member="distilled"):
    return approximate(*made[:1], member, engine, made[1], lambda done, of: None)


def test_an_exact_engine_is_as_good_as_pytorch(made, run):
    one = measured(made)
    assert one.largest < 1e-4
    assert one.difference.macro_diff == pytest.approx(0, abs=1e-3)
    assert one.good_enough
    assert one.difference.n == len(made[1].rows("test"))


def test_figures_are_those_of_the_engines_answers(made, run, monkeypatch):
    monkeypatch.setattr("cxrkd.runtime.select.build_engine", lambda model, name: Coarse(model))
    one, kept = measured(made), run.predictions("distilled")
    films = made[1].images[made[1].rows("test")].astype(np.float32) / 255
    logits = Coarse(run.load_model("distilled")).predict(films[:, None])
    assert one.largest == pytest.approx(np.abs(expit(logits) - expit(kept.logits[0])).max())
    counted = [k for k, row in enumerate(one.difference.labels) if row.evaluable]
    assert counted
    aurocs = [
        np.mean([roc_auc_score(kept.targets[:, k], answers[:, k]) for k in counted])
        for answers in (logits, kept.logits[0])
    ]
    assert one.difference.macro_diff == pytest.approx(aurocs[0] - aurocs[1])
    same = replace(one, difference=measured_by_pytorch(made, monkeypatch).difference)
    assert replace(same, largest=LARGEST).good_enough
    assert not replace(same, largest=LARGEST * 1.01).good_enough, "one film would hear something else"
    assert not replace(same, difference=replace(same.difference, macro_low=-AS_GOOD * 1.01)).good_enough


def measured_by_pytorch(made, monkeypatch):
    monkeypatch.setattr("cxrkd.runtime.select.build_engine", lambda model, name: TorchEngine(model))
    return measured(made)


def test_what_is_kept_holds_for_these_weights_and_for_engines_that_are_good_enough(made, run, monkeypatch):
    good = measured(made)
    monkeypatch.setattr("cxrkd.runtime.select.build_engine", lambda model, name: Backwards(model))
    bad = measured(made, "openvino")
    assert not bad.good_enough
    keep_approximations(run, [good])
    keep_approximations(run, [bad])
    assert [one.to_dict() for one in kept_approximations(run)] == [good.to_dict(), bad.to_dict()]
    assert {name: one.to_dict() for name, one in approximations(run, "distilled").items()} == {
        "onnxruntime": good.to_dict()
    }
    assert approximations(run, "teacher") == {}
    keep_approximations(run, [good])
    assert len(kept_approximations(run)) == 2, "measured again, it takes its own place"
    before = run.weights_path("distilled").read_bytes()
    save_weights(toys.make_toy(seed=5, labels=run.labels), run.weights_path("distilled"))
    assert approximations(run, "distilled") == {}
    run.weights_path("distilled").write_bytes(before)


class Backwards(TorchEngine):
    """As good as a network can be that says the contrary of what it learned."""

    def predict(self, x):
        return -super().predict(x)


def test_a_damaged_file_counts_for_nothing_and_is_told(run):
    (run.path / FILE).write_text("{}")
    assert approximations(run, "distilled") == {}
    assert FILE in [finding.file for finding in check_job(run)]


def test_an_engine_that_does_not_exist_is_one_sentence(made):
    with pytest.raises(EngineError, match="abacus"):
        measured(made, "abacus")


def test_the_command_line_measures_and_keeps(made, run, capsys):
    assert main(["evaluate", str(run.path), "--engine", "onnxruntime"]) == 0
    assert "Not kept; with --write: pages may choose it where it is good enough." in capsys.readouterr().out
    assert kept_approximations(run) == ()
    assert main(["evaluate", str(run.path), "--engine", "onnxruntime", "--write", "--json"]) == 0
    assert {one.member for one in kept_approximations(run)} == set(run.members())
    assert main(["evaluate", str(run.path), "--engine", "onnxruntime", "--curves"]) == 2
    assert "leave --curves out" in capsys.readouterr().err
    assert main(["evaluate", str(run.path), "--engine", "onnxruntime", "--patients", "5", "--table", "x.csv"]) == 2
    assert "leave --patients and --table out" in capsys.readouterr().err


def test_an_engine_that_does_not_exist_is_refused_before_films_are_read(run, capsys, monkeypatch):
    monkeypatch.setattr("cxrkd.runs.reference.cohort_of", lambda *_: pytest.fail("read films"))
    assert main(["evaluate", str(run.path), "--engine", "abacus"]) == 2
    assert "Unknown engine 'abacus'" in capsys.readouterr().err
