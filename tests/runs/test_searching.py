"""A search: trials under one teacher, judged on validation films, stopped and gone on with, and what it leaves."""

import dataclasses
import json
import re

import numpy as np
import optuna
import pytest

from cxrkd.cli.main import main
from cxrkd.cli.search import read_search
from cxrkd.config import RunConfig
from cxrkd.data import load_cohort
from cxrkd.data.pixels import InMemory
from cxrkd.errors import ConfigError, DivergedError, RunError
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import KINDS, open_job
from cxrkd.runs import create, list_runs
from cxrkd.runs.searching import stages
from cxrkd.runs.searching.config import SearchConfig
from cxrkd.runs.searching.job import BEST, Search, asked_before, best, create_search
from tests import toys

RANGES = {
    "student_train.learning_rate": {"floats": (1e-3, 0.1), "log": True},
    "objective.alpha": {"choice": (0.2, 0.8)},
}


@pytest.fixture
def teacher():
    return toys.finished_run(toys.tiny_config("source"))


@pytest.fixture
def search(teacher):
    """Makes a search of two or three trials of one epoch under the teacher."""

    def make(trials=2, ranges=RANGES, **base):
        told = toys.tiny_config("some", teacher_from=teacher.id, **base).model_dump(mode="json")
        return create_search(
            SearchConfig.model_validate({"name": "some", "base": told, "ranges": ranges, "trials": trials})
        )

    return make


def table(job):
    return [trial.model_dump() for trial in job.trials()]


def titles(job):
    return [event["stage"] for event in job.events() if event["kind"] == "stage"]


def test_the_best_settings_give_in_a_run_what_they_gave_in_the_search(search):
    job = search(3)
    execute(job)
    assert (job.id, job.state.status, job.kind) == ("some", "done", KINDS["search"])
    trials = job.trials()
    assert titles(job) == ["data", "trial-0", "trial-1", "trial-2"]
    assert [(trial.number, trial.state, trial.epochs) for trial in trials] == [(n, "complete", 1) for n in range(3)]
    for trial in trials:
        assert 1e-3 <= trial.values["student_train.learning_rate"] <= 0.1
        assert trial.values["objective.alpha"] in (0.2, 0.8)
    assert len({trial.values["student_train.learning_rate"] for trial in trials}) == 3
    winner = best(trials)
    assert winner.val_auroc == max(trial.val_auroc for trial in trials)
    settings = json.loads((job.path / BEST).read_text())
    assert settings.pop("version") == 1
    run = create(RunConfig.recorded(settings))
    assert run.config.student_train.learning_rate == winner.values["student_train.learning_rate"]
    execute(run)
    (epoch,) = [e for e in run.events() if e["kind"] == "epoch" and e["member"] == "distilled"]
    assert epoch["val_auroc"] == pytest.approx(winner.val_auroc, abs=1e-9)


def test_the_test_split_is_not_looked_at(search, monkeypatch):
    job = search(2)
    execute(job)
    cohort = load_cohort(job.config.base.data)
    test, images, targets = cohort.rows("test"), np.array(cohort.images), cohort.targets.copy()
    images[test], targets[test] = 0, 1 - targets[test]
    other = dataclasses.replace(cohort, pixels=InMemory(images, cohort.fingerprint), targets=targets)
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: other)
    again = search(2)
    execute(again)
    assert table(again) == table(job)


def test_a_search_that_was_killed_tries_what_an_unbroken_one_tries(search, monkeypatch):
    train = {"epochs": 3}
    whole = search(3, train=train)
    execute(whole)
    broken, fit, calls = search(3, train=train), stages.fit_member, []

    def killed(task, model, cohort, answers, work, on_event):
        calls.append(work.name)

        def dies(event):
            on_event(event)
            if len(calls) == 2 and event["kind"] == "epoch" and event["epoch"] == 2:
                raise KeyboardInterrupt

        fit(task, model, cohort, answers, work, dies)

    monkeypatch.setattr(stages, "fit_member", killed)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        execute(broken)
    assert broken.state.status == "interrupted"
    monkeypatch.setattr(stages, "fit_member", fit)
    again = open_job(broken.id)
    assert isinstance(again, Search)
    execute(again)
    assert titles(again) == ["data", "trial-0", "trial-1", "data", "trial-1", "trial-2"]
    epochs = [(e["stage"], e["epoch"]) for e in again.events() if e["kind"] == "epoch"]
    assert epochs.count(("trial-1", 1)) == 1, "it went on after its checkpoint"
    assert table(again) == table(whole)
    study = optuna.load_study(study_name="some", storage=f"sqlite:///{again.store}")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3


def test_sizes_that_students_look_at_are_tried(search, monkeypatch):
    """With networks of which one does not take the smaller size: a size is refused that none takes."""
    sizes = []

    def fit(task, model, cohort, answers, work, on_event):
        sizes.append((task.shrinks_to, model.input_size))
        on_event({"kind": "epoch", "epoch": 1, "epochs": 1, "size": 32, "loss": 1.0, "val_auroc": 0.6} | SPEED)

    monkeypatch.setattr(stages, "fit_member", fit)
    ranges = {"student_size": {"choice": (16, 32)}, "student_arch": {"choice": ("toy", "resnet18")}}
    job = search(6, ranges)
    execute(job)
    for trial in job.trials():
        cannot = trial.values == {"student_size": 16, "student_arch": "resnet18"}
        assert (trial.state, "resnet18 takes" in trial.message) == (("failed", True) if cannot else ("complete", False))
    assert {shrinks_to for shrinks_to, _ in sizes} == {16, 32}
    assert {size for _, size in sizes} == {toys.SIZE}
    assert json.loads((job.path / BEST).read_text())["student_size"] == best(job.trials()).values["student_size"]


def told_epochs(values):
    """A training that reports these AUROCs, an epoch each."""

    def fit(task, model, cohort, answers, work, on_event):
        for epoch, value in enumerate(next(values), 1):
            on_event(
                {"kind": "epoch", "epoch": epoch, "epochs": 2, "size": 32, "loss": 1.0, "val_auroc": value} | SPEED
            )

    return fit


SPEED = {"images_per_s": 1.0}


def test_a_trial_below_the_median_after_an_epoch_is_given_up(search, monkeypatch):
    curves = [(0.6, 0.7), (0.6, 0.8), (0.7, 0.75), (0.65, 0.6), (0.5, 0.99), (0.9, 0.72)]
    monkeypatch.setattr(stages, "fit_member", told_epochs(iter(curves)))
    job = search(6)
    execute(job)
    assert [trial.state for trial in job.trials()] == [*["complete"] * 4, "pruned", "complete"]
    assert (job.trials()[4].val_auroc, job.trials()[4].epochs) == (0.5, 1)
    assert best(job.trials()).number == 1


def test_settings_that_contradict_and_trainings_that_diverge_cost_one_trial(search, monkeypatch):
    ranges = {"student_train.augment": {"choice": (True, False)}, "student_train.batch_size": {"ints": (4, 16)}}
    fit = stages.fit_member

    def diverges(task, *args):
        if task.train.batch_size % 2:
            raise DivergedError("training diverged at step 3")
        fit(task, *args)

    monkeypatch.setattr(stages, "fit_member", diverges)
    job = search(8, ranges)
    execute(job)
    for trial in job.trials():
        augmented, odd = trial.values["student_train.augment"], trial.values["student_train.batch_size"] % 2
        why = "a cached teacher was never asked" if augmented else "diverged at step 3" if odd else ""
        assert why in trial.message
        assert trial.state == ("failed" if why else "complete")
    assert {trial.state for trial in job.trials()} == {"failed", "complete"}


def test_trials_are_spread_as_runs_are_and_an_uneven_batch_costs_one(search, monkeypatch):
    monkeypatch.setenv("CXRKD_DEVICES", "2")
    devices = []

    def fit(task, model, cohort, answers, work, on_event):
        devices.append(task.devices)
        on_event({"kind": "epoch", "epoch": 1, "epochs": 1, "size": 32, "loss": 1.0, "val_auroc": 0.6} | SPEED)

    monkeypatch.setattr(stages, "fit_member", fit)
    job = search(6, {"student_train.batch_size": {"ints": (4, 9)}})
    execute(job)
    for trial in job.trials():
        odd = trial.values["student_train.batch_size"] % 2
        assert (trial.state, "shared evenly by 2" in trial.message) == (
            ("failed", True) if odd else ("complete", False)
        )
    assert set(devices) == {2}
    monkeypatch.setenv("CXRKD_NUM_NODES", "2")
    with pytest.raises(RunError, match="A search trains on one machine"):
        execute(search(1))


def test_a_trial_whose_auroc_is_not_defined_has_failed(search, monkeypatch):
    nan = float("nan")
    monkeypatch.setattr(stages, "fit_member", told_epochs(iter([(0.6, nan), (0.6, 0.7)])))
    job = search(2)
    execute(job)
    assert [(trial.state, trial.val_auroc) for trial in job.trials()] == [("failed", None), ("complete", 0.7)]
    assert "no AUROC to judge it by" in job.trials()[0].message


def test_a_damaged_study_is_a_sentence_and_is_begun_again_once_it_is_removed(search, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    job = search(2)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "fit_member", stopped)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            execute(job)
    job.store.write_bytes(job.store.read_bytes()[:5000])
    with pytest.raises(
        RunError, match=r"some: search.db cannot be used \(database disk image is malformed\).*remove it"
    ):
        execute(job)
    job.store.unlink()
    monkeypatch.setattr(stages, "fit_member", told_epochs(iter([(0.6,), (0.7,)])))
    execute(job)
    assert [trial.val_auroc for trial in job.trials()] == [0.6, 0.7]


def test_films_of_other_labels_are_refused(search, monkeypatch):
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: toys.blobs())
    with pytest.raises(ConfigError, match=r"source answers Atelectasis, .*, these films have Left, Right, Bright:"):
        execute(search(1))


def test_a_search_without_any_trial_that_could_be_trained_fails(search, monkeypatch):
    monkeypatch.setattr(stages, "fit_member", lambda *args: (_ for _ in ()).throw(DivergedError("too fast")))
    job = search(1)
    with pytest.raises(RunError, match="None of 1 trials could be trained: too fast"):
        execute(job)
    assert job.state.status == "failed"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"ranges": {"teacher_arch": {"choice": ["toy"]}}},
            "Range of teacher_arch: expected a key of student_train",
        ),
        (
            {"ranges": {"student_train.rate": {"floats": [0, 1]}}},
            "Range of student_train.rate: there is no such setting",
        ),
        (
            {"ranges": {"student_train.epochs": {"ints": [0, 4]}}},
            "Range of student_train.epochs: expected at least 1, got 0",
        ),
        ({"ranges": {"objective.alpha": {"floats": [1, 0]}}}, "the smaller number first, got 1 and 0"),
        ({"ranges": {"objective.alpha": {"floats": [0, 1], "log": True}}}, "log is for numbers above 0"),
        ({"ranges": {"objective.alpha": {"floats": [0, 1], "choice": [1]}}}, "exactly one of floats"),
        (
            {"ranges": {"objective.also.name": {"choice": ["cam"]}}},
            "Range of objective.also.name: expected a key of student_train",
        ),
        ({"ranges": {"student_arch.x": {"choice": ["toy"]}}}, "Range of student_arch.x: expected a key of"),
        (
            {"ranges": {"student_train.batch_size": {"floats": [8, 16]}}},
            "batch_size: expected a whole number, got 10.9",
        ),
        ({"ranges": {"student_arch": {"choice": ["toy", "tyo"]}}}, "Range of student_arch: Unknown network 'tyo'"),
        ({"ranges": {"student_arch": {"choice": ["toy+toy"]}}}, "Range of student_arch: A student is one network"),
        (
            {"ranges": {"student_size": {"ints": [28, 64]}}},
            "Range of student_size: Students look at no more than the image size, 32, got 64",
        ),
        ({"ranges": {"student_size": {"choice": [8]}, "student_arch": {"choice": ["toy"]}}}, "toy takes .*, got 8"),
        ({"ranges": {}}, "ranges in .*nothing was given"),
        ({"base": {}}, "name it in base, teacher_from"),
        ({"trials": 0}, "trials in .*expected at least 1, got 0"),
        ({"tries": 3}, "tries in .*there is no such setting"),
        ({"base": {"teacher_from": "nobody"}}, "expected the id or the folder of a run"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(teacher, tmp_path, capsys, changes, sentence):
    import yaml

    asked = {"name": "some", "base": {"teacher_from": teacher.id}, "ranges": {"objective.alpha": {"floats": [0, 1]}}}
    file = tmp_path / "search.yaml"
    file.write_text(yaml.safe_dump(asked | changes))
    assert main(["search", str(file)]) == 2
    assert re.search(sentence, capsys.readouterr().err)
    assert [run.id for run in list_runs() if not run.shipped] == ["source"]


def test_a_file_is_searched_and_read_again(teacher, tmp_path, capsys):
    file = tmp_path / "search.yaml"
    file.write_text(f"""
name: rates
trials: 2
base:
  teacher_from: {teacher.id}
  student_arch: toy
  student_train: {{epochs: 1, warm_epochs: 0, batch_size: 16}}
ranges:
  student_train.learning_rate: {{floats: [1e-3, 0.05], log: true}}
  objective.name: {{choice: [paper, bkd]}}
""")
    assert main(["search", str(file), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in first["trials"]] == ["complete", "complete"]
    job = open_job(first["search"])
    assert asked_before(job.config) == job
    assert read_search(job.path / "search.json") == job.config
    assert job.config.base.data == teacher.config.data, "images of the teacher's run"
    assert main(["search", str(file)]) == 0
    out = capsys.readouterr().out
    assert "python -m cxrkd distill --config" in out
    assert len(job.events()) == len(open_job(job.id).events())
    assert main(["runs", "show", job.id]) == 0
    assert "Search" in capsys.readouterr().out


def test_a_file_that_is_no_search_is_refused(tmp_path):
    file = tmp_path / "search.yaml"
    for text, sentence in (("- a\n- b", "holds list"), ("a: [", "is neither YAML nor JSON")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=sentence):
            read_search(file)
    with pytest.raises(ConfigError, match="Cannot read"):
        read_search(tmp_path / "none.yaml")
