"""What a run is called and what is noted on it, beside what it was asked for."""

import json

import pytest

from cxrkd.errors import ConfigError, RunError
from cxrkd.jobs import folders, job
from cxrkd.jobs.queue import delete
from cxrkd.runs import create, open_run
from cxrkd.runs.describing import FILE, describe


@pytest.fixture
def run(config):
    return create(config(name="first"))


def test_a_run_has_the_name_of_its_config_until_it_gets_another(run):
    assert (run.name, run.description.note) == ("first", "")
    asked = (run.path / "config.json").read_text()
    describe(run, name=" with CAM ", note="better on nodules\n")
    again = open_run(run.id)
    assert (again.id, again.name, again.description.note) == (run.id, "with CAM", "better on nodules")
    assert (run.path / "config.json").read_text() == asked, "what was asked for stays as it was"


def test_name_and_note_are_kept_apart_and_a_note_can_go(run):
    describe(run, note="a")
    describe(run, name="b")
    assert (run.name, run.description.note) == ("b", "a")
    describe(run, note="")
    assert (run.name, run.description.note) == ("b", "")


@pytest.mark.parametrize("given", [{"name": " "}, {"name": "x" * 81}, {"note": "x" * 4001}])
def test_what_is_empty_or_too_long_is_refused_and_changes_nothing(run, given):
    describe(run, note="kept")
    with pytest.raises(ConfigError, match=r"Not kept: .*1 to 80 characters"):
        describe(run, **given)
    assert (run.name, run.description.note) == ("first", "kept")


def test_a_shipped_run_is_read_only(run, monkeypatch):
    for module in (job, folders):
        monkeypatch.setattr(module, "SHIPPED", run.path.parent.resolve())
    with pytest.raises(RunError, match="came with the program and cannot be described"):
        describe(run, note="mine")
    assert not (run.path / FILE).exists()


def test_a_run_that_is_deleted_meanwhile_does_not_come_back(run):
    delete(run)
    with pytest.raises(RunError):
        describe(run, note="late")
    assert not run.path.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"version": 9}', json.dumps({"version": 1, "colour": "red"})])
def test_a_damaged_file_is_named(run, text):
    (run.path / FILE).write_text(text)
    with pytest.raises(RunError, match=FILE):
        _ = run.name
