"""A study of toys: what is trained, what is shared, what the table holds, and what comes of it when it is killed."""

import json
import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from cxrkd.errors import RunError
from cxrkd.evaluate.multiple import holm
from cxrkd.evaluate.paired import paired_difference, paired_p
from cxrkd.jobs import reporter
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import open_job
from cxrkd.runs import create, list_runs, open_run
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.checking.check import check_job
from cxrkd.runs.run import Run
from cxrkd.studies.figures import HARMED, HELPED, NOT_SHOWN, CellFigures, Span, StudyFigures
from cxrkd.studies.measuring import LOST, UNCONTROLLED, measure_cell, measure_study, network_key
from cxrkd.studies.study import Place, create_study
from tests import toys
from tests.studies.conftest import TRAIN, asked, settings


@pytest.fixture(scope="module")
def done(furnish, tmp_path_factory):
    """A finished study, for the tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        furnish(patch, tmp_path_factory.mktemp("done"))
        study = create_study(asked(films=12))
        execute(study)
        yield study


@pytest.fixture
def at_done(done, monkeypatch):
    """The home of that study instead of one of the test's own."""
    monkeypatch.setenv("CXRKD_HOME", str(done.path.parent.parent))
    return done


def trainings(run):
    """Stages that trained something, of a run."""
    return [e["stage"] for e in run.events() if e["kind"] == "epoch"]


def own_runs():
    return {run.id: run for run in list_runs() if not run.shipped}


def comparable(figures):
    """Figures without what a clock says."""
    timeless = [replace(one, cost=replace(one.cost, latency_ms=0.0)) for one in (*figures.cells, *figures.others)]
    return json.dumps([one.to_dict() for one in timeless], sort_keys=True)


def test_each_cell_is_a_run_and_teachers_and_students_alone_are_trained_once(at_done):
    assert (at_done.state.status, at_done.state.progress) == ("done", 1.0)
    runs = [open_run(cell.run) for cell in at_done.figures().cells]
    assert len({run.id for run in runs}) == len(own_runs()) == 4
    assert all(isinstance(run, Run) and run.state.status == "done" for run in runs)
    alone, distilled = [f"alone-{seed}" for seed in (0, 1, 2)], [f"distilled-{seed}" for seed in (0, 1, 2)]
    assert sorted(trainings(runs[0])) == sorted(["teacher", *alone, *distilled])
    assert sorted(trainings(runs[1])) == distilled
    assert sorted(trainings(runs[2])) == sorted(["teacher", *distilled])
    assert sorted(trainings(runs[3])) == distilled
    assert (runs[1].config.teacher_from, runs[3].config.teacher_from) == (runs[0].id, runs[2].id)
    assert [cell.control for cell in at_done.figures().cells] == [runs[0].id] * 4


def test_the_table_is_what_the_runs_say(at_done):
    """AUROC, its interval, gain over the shared student alone and share of the teacher, from the runs directly."""
    figures = at_done.figures()
    control = open_run(figures.cells[0].control).predictions("alone")
    gains = []
    for cell in figures.cells:
        run = open_run(cell.run)
        model, kept = run.metrics().of("distilled").over_seeds, run.predictions("distilled")
        assert vars(cell.auroc) == {"value": model.macro_auroc, "low": model.macro_low, "high": model.macro_high}
        held = (kept.logits, control.logits, kept.targets, kept.patients, run.labels)
        gain = paired_difference(*held)
        assert (cell.gain.value, cell.gain.low, cell.gain.high) == (gain.macro_diff, gain.macro_low, gain.macro_high)
        alone = open_run(cell.control).metrics().of("alone").over_seeds
        assert cell.gain.value == pytest.approx(model.macro_auroc - alone.macro_auroc)
        gains.append(paired_p(*held))
        gap = run.metrics().gap
        assert (cell.kept.value, cell.n_seeds, cell.n_patients) == (gap.ratio, 3, model.n_patients)
        np.testing.assert_equal([cell.skill.value, cell.skill.high], [gap.skill, gap.skill_high])
        assert cell.cost.params == sum(p.numel() for p in run.load_model("distilled").parameters())
        assert cell.cost.latency_ms > 0
    own = open_run(figures.cells[0].run).metrics().gain
    assert figures.cells[0].gain.value == own.macro_diff
    assert figures.cells[0].gain.high == own.macro_high
    assert [cell.p for cell in figures.cells] == gains
    assert [cell.p_holm for cell in figures.cells] == holm(gains)
    assert [(one.member, one.name) for one in figures.others] == [
        ("teacher", "toy"),
        ("teacher", "plain_toy"),
        ("alone", "toy"),
    ]
    teacher = open_run(figures.cells[0].run).metrics().of("teacher").model
    assert figures.others[0].auroc.value == teacher.macro_auroc


def test_each_run_is_audited_on_the_same_films_and_the_table_says_what_that_found(at_done):
    audits = [open_job(place.audit) for place in at_done.places().values()]
    assert all(isinstance(audit, AuditJob) and audit.state.status == "done" for audit in audits)
    assert len({tuple(audit.films()["ids"]) for audit in audits}) == 1
    for cell, audit in zip(at_done.figures().cells, audits, strict=True):
        films = audit.films()
        (maps_t, _), (maps_s, _) = audit.maps("teacher"), audit.maps("distilled")
        pairs = [(n, k) for n, k in np.argwhere(films["targets"] == 1) if np.ptp(maps_t[n, k]) and np.ptp(maps_s[n, k])]
        ranks = [spearmanr(maps_t[n, k].ravel(), maps_s[n, k].ravel()).statistic for n, k in pairs]
        assert cell.agreement.value == pytest.approx(np.mean(ranks), abs=1e-4)


def test_figures_follow_from_what_is_kept(at_done):
    assert measure_study(at_done).to_dict() == at_done.figures().to_dict()
    assert (
        StudyFigures.from_dict(json.loads(json.dumps(at_done.figures().to_dict()))).to_dict()
        == at_done.figures().to_dict()
    )


def test_what_is_there_is_not_done_again(at_done, monkeypatch):
    """The same grid under another name, with its axes turned round: no new run, no training, the same figures."""

    def refuse(*args, **kwargs):
        raise AssertionError("a training was called for")

    monkeypatch.setattr("cxrkd.runs.stages.fit", refuse)
    before = own_runs()
    again = create_study(asked(name="again", teachers=["plain_toy", "toy"], films=12))
    execute(again)
    assert again.state.status == "done"
    assert own_runs().keys() == before.keys()
    rows = {(cell.teacher, cell.objective): cell for cell in again.figures().cells}
    for cell in at_done.figures().cells:
        row = rows[cell.teacher, cell.objective]
        assert (row.run, row.auroc, row.gain, row.agreement) == (cell.run, cell.auroc, cell.gain, cell.agreement)
    shutil.rmtree(again.path)


def test_a_study_killed_at_five_points_comes_to_the_table_of_an_unbroken_one(at_done, home, monkeypatch):
    """Between any two events: in a training, between stages, between runs; then it is resumed, and killed again."""
    append, points = reporter.append_event, random.Random(3)
    left = {"events": 0}

    def counting(path, event):
        append(path, event)
        left["events"] -= 1
        if left["events"] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(reporter, "append_event", counting)
    study, kills, progress = create_study(asked(films=0)), 0, 0.0
    while study.state.status != "done":
        left["events"] = points.randint(5, 25) if kills < 5 else -1
        try:
            execute(study)
        except (KeyboardInterrupt, SystemExit):
            kills += 1
            assert study.state.status == "interrupted"
        assert study.state.progress >= progress
        progress = study.state.progress
    assert kills == 5
    assert len(own_runs()) == 4
    whole = replace(at_done.figures(), cells=tuple(without_maps(cell) for cell in at_done.figures().cells))
    assert comparable(study.figures()) == comparable(whole)


def without_maps(cell):
    return replace(cell, agreement=Span(), agreement_above=Span(), pointing=Span(), pointing_above=Span())


def test_a_cell_that_fails_is_written_down_and_the_others_go_on(home, monkeypatch):
    from cxrkd.runs import stages

    fit = stages.fit

    def fail(model, cohort, train, loss, **how):
        if [term.name for term in loss._terms()] == ["paper"]:
            raise RunError("the training diverged; lower its learning rate")
        return fit(model, cohort, train, loss, **how)

    study = create_study(asked(teachers=["toy"], objectives=["paper", "bkd"], seeds=[0], films=0))
    with monkeypatch.context() as patch:
        patch.setattr(stages, "fit", fail)
        with pytest.raises(RunError, match=r"1 of 2 cells failed, .* toy → toy, paper .*diverged"):
            execute(study)
    paper, bkd = study.figures().cells
    assert "diverged" in paper.problem
    assert np.isnan(paper.auroc.value)
    assert (bkd.problem, bkd.gain.value) == ("", open_run(bkd.run).metrics().gain.macro_diff)
    trained = trainings(open_run(bkd.run))
    assert study.state.status == "failed"
    execute(study)  # what was in the way is gone
    assert study.state.status == "done"
    assert [cell.problem for cell in study.figures().cells] == ["", ""]
    assert trainings(open_run(bkd.run)) == trained
    assert study.figures().cells[0].control != study.figures().cells[1].control  # focal and plain cross-entropy
    assert [one.name for one in study.figures().others if one.member == "alone"] == [
        "toy, labels of paper",
        "toy, labels of bkd",
    ]


def test_a_damaged_run_costs_its_cell_and_is_measured_once_it_is_restored(done, home):
    shutil.copytree(done.path.parent, home / "runs", dirs_exist_ok=True)
    weights = open_run(done.figures().cells[0].run).weights_path("teacher")
    kept = weights.read_bytes()
    weights.unlink()
    study = create_study(asked(name="again", objectives=["bkd"], films=0))
    with pytest.raises(RunError, match=r"1 of 2 cells failed, the others are measured: toy → toy, bkd \(.* no weights"):
        execute(study)
    assert [cell.gain for cell in study.figures().cells] == [done.figures().cells[n].gain for n in (0, 2)]
    assert study.figures().cells[1].problem == ""
    weights.write_bytes(kept)
    execute(study)
    assert (study.state.status, study.figures().cells[0].problem) == ("done", "")
    assert study.figures().others[0].auroc == done.figures().others[0].auroc


@pytest.mark.parametrize(
    "text", ['{"version": 1, "cells": [', "[]", '{"cells": {"cell-0": {"run": 5}}}', '{"cells": {"x": 1}}']
)
def test_damaged_places_are_a_sentence(home, text):
    study = create_study(asked())
    (study.path / "cells.json").write_text(text)
    with pytest.raises(RunError, match=r"toys-study: cells.json is damaged"):
        study.places()


def test_times_that_are_no_numbers_are_measured_again(home):
    study = create_study(asked())
    (study.path / "latency.json").write_text('{"a": "x", "b": 1.5, "c": null, "d": true}')
    assert study.latencies() == {"b": 1.5}


def test_torn_files_of_a_study_are_wrong_each_once(home):
    study = create_study(asked())
    assert check_job(study) == []
    for name in ("figures.json", "latency.json", "study.json"):
        (study.path / name).write_text("{")
    wrong = check_job(study)
    assert len(wrong) == 3
    for name in ("figures.json", "latency.json", "study.json"):
        assert sum(f"{name} is damaged" in one.problem for one in wrong) == 1


def test_why_there_is_no_student_alone_is_said(at_done):
    cells, runs = at_done.cells, [cell.run for cell in at_done.figures().cells]
    rows = [measure_cell(cells[n], Place(runs[n]), {}) for n in (0, 1)]
    assert [row.problem for row in rows] == [LOST, UNCONTROLLED]
    assert [row.auroc for row in rows] == [cell.auroc for cell in at_done.figures().cells[:2]]


def test_without_controls_there_is_no_gain_and_no_problem(home):
    base = settings()["base"] | {"control": False}
    study = create_study(asked(base=base, teachers=["toy"], objectives=["bkd"], seeds=[0], films=0))
    execute(study)
    (cell,) = study.figures().cells
    assert (cell.control, cell.verdict, cell.problem) == ("", "", "")
    assert np.isnan(cell.gain.value)


def test_a_run_of_a_study_that_a_page_asked_for_reads_what_the_study_may(home, monkeypatch):
    from cxrkd.jobs.asked import by_page, mark_page

    study = create_study(asked(teachers=["toy"], objectives=["bkd"], seeds=[0], films=0))
    mark_page(study, [home])
    execute(study)
    run = open_run(study.figures().cells[0].run)
    assert by_page(run)
    assert json.loads((run.path / "asked.json").read_text()) == {"by": "page", "roots": [str(home)]}


def row(p_holm, gain, n_seeds=3):
    return CellFigures("t", "s", "o", n_seeds=n_seeds, gain=Span(gain, gain - 1, gain + 1), p_holm=p_holm)


def test_a_gain_is_claimed_from_three_seeds_on_and_after_correction():
    assert [one.verdict for one in (row(0.01, 0.1), row(0.01, -0.1), row(0.06, 0.1), row(0.01, 0.1, 2))] == [
        HELPED,
        HARMED,
        NOT_SHOWN,
        NOT_SHOWN,
    ]
    assert row(float("nan"), float("nan")).verdict == ""


def test_the_training_settings_are_those_of_the_study(at_done):
    run = open_run(at_done.figures().cells[3].run)
    assert run.config.student_train.model_dump(include=set(TRAIN)) == TRAIN
    assert run.config.name == "bkd, temperature 4.0, plain_toy, toy: toys"


def test_a_latency_is_of_the_size_that_a_network_looks_at(home):
    """Two students of one architecture at two sizes are two networks; the teacher sees all."""
    whole = create(toys.tiny_config("whole"))
    half = create(toys.tiny_config("half", student_size=toys.SIZE // 2))
    assert network_key(whole, "distilled") == f"toy at {toys.SIZE} px"
    assert network_key(half, "distilled") == f"toy at {toys.SIZE // 2} px"
    assert network_key(half, "teacher") == network_key(whole, "teacher")
