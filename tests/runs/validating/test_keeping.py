"""What a validation leaves is read without trust, outlives its run, and spoils no list whatever is damaged."""

import json
import shutil

import pytest

from cxrkd.errors import RunError
from cxrkd.jobs.job import list_own_jobs, open_job
from cxrkd.jobs.queue import cancel, delete, resume
from cxrkd.runs import list_runs, open_run
from cxrkd.runs.checking.check import check_job
from cxrkd.runs.seen import FILE as SEEN
from cxrkd.runs.validating.making import asked_before, create_validation, is_current, validation_config
from cxrkd.runs.validating.validation import validations_of
from tests.runs.corruptions import corruptions, said, told


@pytest.fixture
def kept(second, ask):
    return ask(second.write(), name="Kept")


def test_it_leaves_everything_it_promises(kept):
    files = {str(p.relative_to(kept.path)) for p in kept.path.rglob("*") if p.is_file()}
    answers = {f"predictions/{who}-seed4.npz" for who in ("teacher", "alone", "distilled", "trivial")}
    assert files == answers | {
        *("config.json", "job.json", "state.json", "events.jsonl", "environment.json", "log.txt", "metrics.json"),
        *("facts.json", "predictions/cases.csv", "SHA256SUMS"),
    }
    assert check_job(kept) == []


def test_it_answers_again_until_something_changes(run, second, kept):
    config = validation_config(run, second.write(), "Called otherwise")
    assert asked_before(run, config) == [kept]
    assert is_current(kept)
    assert asked_before(run, validation_config(run, second.write(), leave_out=True)) == []
    (run.path / SEEN).unlink()
    assert not is_current(kept), "whom it was trained on is known otherwise"


@pytest.mark.parametrize("file", ["models/alone.safetensors", "predictions/teacher-seed4.npz"])
def test_of_other_weights_or_answers_it_is_outdated(run, kept, file):
    source = {"models/alone.safetensors": "models/teacher.safetensors"}.get(file, "predictions/alone-seed2.npz")
    shutil.copyfile(run.path / source, run.path / file)
    assert not is_current(kept)


def test_of_other_labels_it_is_outdated(second, kept):
    second.rows[0]["Effusion"] = 1 - second.rows[0]["Effusion"]
    second.write()
    assert not is_current(kept)


def test_where_its_run_is_gone_its_figures_are_still_there(run, second, kept):
    figures = kept.metrics().to_dict()
    delete(run)
    again = open_job("kept")
    assert again.state.status == "done"
    assert (again.metrics().to_dict(), again.facts().run) == (figures, "Measured")
    for ask in (again.test, again.measure, again.run):
        with pytest.raises(RunError, match="its run measured is gone"):
            ask()
    assert ["its run measured is gone" in finding.problem for finding in check_job(again)] == [True]
    assert said("runs", "list")[0] == 0
    assert said("runs", "show", "kept")[0] == 0
    unfinished = create_validation(kept.config)
    with pytest.raises(RunError, match="is gone"):
        resume(unfinished)
    delete(again)
    assert [job.id for job in list_own_jobs()] == [unfinished.id]


def test_a_run_elsewhere_is_found_by_its_folder(run, second, tmp_path):
    shutil.move(run.path, tmp_path / "elsewhere")
    away = open_run(tmp_path / "elsewhere")
    validation = create_validation(validation_config(away, second.write()))
    assert validation.run().path == away.path
    assert validations_of(away) == [validation]
    shutil.copytree(away.path, run.path.with_name("elsewhere"))
    assert validations_of(open_run("elsewhere")) == [], "another run of the same name"


def test_one_that_waits_can_be_cancelled_and_deleted(run, second, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    validation = resume(create_validation(validation_config(run, second.write())))
    assert validation.state.status == "queued"
    cancel(validation)
    delete(validation)
    assert validations_of(run) == []


def test_figures_of_an_older_version_are_measured_again(kept):
    path, figures = kept.path / "metrics.json", kept.metrics().to_dict()
    path.write_text(json.dumps({key: value for key, value in figures.items() if key != "version"}))
    assert kept.metrics().to_dict() == figures


def test_figures_that_do_not_follow_are_told(kept):
    path = kept.path / "metrics.json"
    figures = json.loads(path.read_text())
    figures["members"]["alone"]["model"]["macro_auroc"] = 0.999
    path.write_text(json.dumps(figures))
    assert ["other figures" in finding.problem for finding in check_job(kept)] == [True]


def test_every_kind_of_damage_is_a_sentence_and_spoils_nothing_else(run, kept, tmp_path):
    """A sample of all there are, of each file; an own one for what only a validation has."""
    shutil.copytree(kept.path, tmp_path / "whole")
    every = [one for one in corruptions(tmp_path / "whole") if one.file not in ("log.txt", "events.jsonl", "models")]
    own = [one for one in every if one.file in ("facts.json", "config.json", "job.json")]
    assert len(own) > 200
    for corruption in (*own[::15], *every[::79]):
        shutil.rmtree(kept.path)
        shutil.copytree(tmp_path / "whole", kept.path)
        corruption.do(kept.path / corruption.file)
        try:
            _survives(run, kept.id)
        except Exception as error:
            raise AssertionError(f"{corruption}: {error!r}") from error


def _survives(run, name):
    assert run.id in [one.id for one in list_runs()]
    assert name in [job.id for job in list_own_jobs()]
    job = open_job(name)
    for ask in ("facts", "metrics", "test", "measure", "run"):
        if hasattr(job, ask):
            told(getattr(job, ask))
    validations_of(run)
    code, _, err = said("evaluate", run.id, "--json")
    assert code == 0, err
    code, _, err = said("runs", "check", name)
    assert code in (0, 1), err
    assert said("runs", "list", "--json")[0] == 0
