"""Which run answers, and which of its networks."""

from types import SimpleNamespace

import numpy as np
import pytest

from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError, RunError
from cxrkd.labels import CHESTXRAY14
from cxrkd.runs import choosing
from cxrkd.runs.choosing import PHANTOM_WARNING, choose_members, choose_run, warning_for


def run_of(*members):
    return SimpleNamespace(id="fake", members=lambda: list(members), state=SimpleNamespace(status="done"))


def test_members_come_in_the_order_of_the_run():
    run = run_of("teacher", "alone", "distilled")
    assert choose_members(run) == ["teacher", "alone", "distilled"]
    assert choose_members(run, ["distilled", "teacher"]) == ["teacher", "distilled"]
    with pytest.raises(ConfigError, match="among teacher, alone, distilled, got giant"):
        choose_members(run, ["giant"])
    with pytest.raises(RunError, match="no trained networks"):
        choose_members(run_of())


def test_only_real_films_carry_the_phantom_warning(tmp_path):
    drawn, real = run_on(PhantomConfig()), run_on(ChestXray14Config(folder=tmp_path))
    assert warning_for(drawn, real=True) == PHANTOM_WARNING
    assert {warning_for(drawn, real=False), warning_for(real, real=True)} == {""}


def run_on(data, id="run", status="done", auroc=None, labels=("Mass",), shipped=False):
    """A run of which only config and state are known, and the distilled student's macro AUROC if one is given."""

    def metrics():
        if auroc is None:
            raise RunError("no metrics.json")
        figures = SimpleNamespace(over_seeds=SimpleNamespace(macro_auroc=auroc))
        return SimpleNamespace(of={"distilled": figures}.__getitem__)

    config = SimpleNamespace(data=data)
    state = SimpleNamespace(status=status)
    return SimpleNamespace(id=id, state=state, config=config, metrics=metrics, labels=labels, shipped=shipped)


class Damaged(SimpleNamespace):
    """A run whose config and labels cannot be read."""

    @property
    def config(self):
        raise RunError("config.json is damaged")

    @property
    def labels(self):
        raise RunError("labels.json is damaged")


def test_a_run_on_patients_with_films_to_look_at_is_the_default(monkeypatch, tmp_path):
    elsewhere = run_on(FolderConfig(folder=tmp_path / "none"), "elsewhere")
    here, drawn = run_on(FolderConfig(folder=tmp_path), "here"), run_on(PhantomConfig(), "drawn")
    damaged = Damaged(id="damaged", shipped=False, state=SimpleNamespace(status="done"))
    nih = run_on(ChestXray14Config(folder=tmp_path / "none"), "nih", labels=CHESTXRAY14)
    other = run_on(ChestXray14Config(folder=tmp_path / "none"), "other")
    for runs, first in (
        ([damaged, elsewhere, drawn, here], "here"),
        ([damaged, elsewhere, drawn], "drawn"),
        ([elsewhere, here], "here"),
        ([drawn, nih, here], "nih"),
        ([other, drawn], "drawn"),
    ):
        monkeypatch.setattr(choosing, "list_runs", lambda runs=runs: runs)
        assert choose_run().id == first
    monkeypatch.setattr(choosing, "list_runs", lambda: [damaged, elsewhere])
    assert [run.id for run in choosing.finished_runs()] == ["elsewhere", "damaged"]


def test_films_from_outside_are_answered_by_a_run_on_patients(monkeypatch, tmp_path):
    real, drawn = run_on(ChestXray14Config(folder=tmp_path / "none"), "real"), run_on(PhantomConfig(), "drawn")
    damaged = Damaged(id="damaged", shipped=False, state=SimpleNamespace(status="done"))
    monkeypatch.setattr(choosing, "list_runs", lambda: [damaged, drawn, real])
    assert choose_run(for_films=True).id == "real"
    assert choosing.answering(real, [drawn, real]) is real
    assert choosing.answering(drawn, [damaged, drawn]) is drawn


def test_of_several_runs_on_the_same_patients_the_best_distilled_student_answers(tmp_path):
    def on(folder, name, auroc=None):
        return run_on(ChestXray14Config(folder=tmp_path / folder), name, auroc=auroc)

    drawn, torn = run_on(PhantomConfig(), "drawn"), on("films", "torn")
    good, better, other = on("films", "good", 0.7), on("films", "better", 0.8), on("elsewhere", "other", 0.9)
    assert choosing.answering(drawn, [drawn, torn, good, better, other]) is better
    assert choosing.answering(drawn, [drawn, other, better]) is other  # figures on other images do not compare
    assert choosing.answering(drawn, [on("films", "empty", np.nan), good]) is good


def test_of_equals_what_ships_comes_first_by_name_and_then_the_newest(monkeypatch):
    ids = [("newer", True), ("nih_light", True), ("nih", True), ("mine", False), ("another", False)]
    runs = [run_on(PhantomConfig(), name, shipped=ships) for name, ships in ids]
    monkeypatch.setattr(choosing, "list_runs", lambda: runs)
    assert [run.id for run in choosing.finished_runs()] == ["newer", "nih", "nih_light", "mine", "another"]


def test_the_first_finished_run_is_the_default(monkeypatch):
    runs = [run_on(PhantomConfig(), status, status) for status in ("failed", "done", "queued")]
    monkeypatch.setattr(choosing, "list_runs", lambda: runs)
    assert choose_run().id == "done"
    monkeypatch.setattr(choosing, "list_runs", lambda: runs[:1])
    with pytest.raises(RunError, match="no finished run"):
        choose_run()
