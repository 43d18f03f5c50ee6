"""One damaged run spoils nothing but itself."""

import json
import os
import shutil

import pytest

from cxrkd.config import MEMBERS
from cxrkd.errors import RunError
from cxrkd.jobs import job as job_module
from cxrkd.jobs import queue
from cxrkd.jobs.events import read_events
from cxrkd.jobs.folders import leftovers
from cxrkd.jobs.job import own_jobs
from cxrkd.jobs.lease import clock_of
from cxrkd.jobs.locks import deciding
from cxrkd.jobs.queue import delete
from cxrkd.jobs.state import JobState, write_state
from cxrkd.runs import create, find, list_runs, open_run, submit
from cxrkd.runs.checking.check import check_home, check_job
from cxrkd.runs.choosing import finished_runs
from tests import toys
from tests.runs.corruptions import LEAST, Trial, corruptions, said


@pytest.fixture(scope="module")
def trial(furnish, tmp_path_factory):
    """Two finished runs, one of which is damaged again and again."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("damaged")
        furnish(patch, folder)
        patch.setattr(job_module, "SHIPPED", folder / "none")
        run, other = toys.small_run("damaged"), toys.small_run("whole")
        every = corruptions(run.path)
        yield Trial(run, other), every, folder / "home"


@pytest.fixture
def no_worker(monkeypatch):
    monkeypatch.setattr(queue, "ensure_worker", lambda: None)


def test_there_are_as_many_ways_as_were_tried_on_us(trial):
    assert len(trial[1]) >= LEAST
    assert len({str(corruption) for corruption in trial[1]}) == len(trial[1])


@pytest.mark.parametrize("first", range(4))
def test_a_sample_of_all_damage(trial, first, monkeypatch):
    attempt, every, home = trial
    monkeypatch.setenv("CXRKD_HOME", str(home))
    for corruption in every[first * 40 :: 40 * 4]:
        try:
            attempt(corruption)
        except Exception as error:
            raise AssertionError(f"{corruption}: {error!r}") from error


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("config.json", '{"version": 99}', "newer cxrkd (version 99"),
        ("config.json", '{"name": "x", "colour": "blue"}', "'colour'"),
        ("state.json", '{"version": 99}', "newer cxrkd (version 99"),
        ("state.json", '{"status": ["done"]}', "'status'"),
        ("state.json", '{"status": "done", "progress": NaN}', "NaN is no number"),
        ("state.json", '{"status": "done", "created": 1e300}', "'created'"),
        ("state.json", '{"status": "done", "status": "failed"}', "stands there twice"),
        ("state.json", '{"status": "unreadable"}', "no state that is written"),
    ],
)
def test_what_cannot_be_read_is_listed_with_the_reason_and_can_be_deleted(config, no_worker, file, text, reason):
    damaged, waiting = create(config("Damaged")), submit(config("Waiting"))
    (damaged.path / file).write_text(text)
    assert {run.id: run.state.status for run in list_runs() if not run.shipped} == {
        "damaged": "unreadable",
        "waiting": "queued",
    }
    assert reason in damaged.state.message
    code, out, _ = said("runs", "list")
    assert code == 0
    assert reason in out
    code, _, err = said("runs", "show", "damaged")
    assert code == 1
    assert reason in err
    assert queue.oldest_queued() == waiting
    assert find(config("Waiting")) == waiting
    with pytest.raises(RunError):
        queue.resume(open_run("damaged"))
    with pytest.raises(RunError):
        queue.cancel(open_run("damaged"))
    delete(open_run("damaged"))
    assert not damaged.path.exists()


def test_a_run_that_is_being_executed_is_not_deleted_because_its_state_is_damaged(config):
    run = create(config())
    queue.claim(run)
    (run.path / "state.json").write_text("{")
    with pytest.raises(RunError, match="cancel it"):
        delete(run)
    queue.let_go(run)
    delete(run)


def test_files_of_before_there_were_versions_are_read(config):
    run = create(config())
    for name in ("config.json", "state.json"):
        values = json.loads((run.path / name).read_text())
        assert values.pop("version") == 1
        for new in ("order", "place"):
            values.pop(new, None)
        (run.path / name).write_text(json.dumps(values))
    assert open_run(run.id).state.status == "interrupted"


def test_a_run_that_is_deleted_while_it_is_read_is_gone(config, monkeypatch):
    runs = [create(config(name)) for name in ("One", "Two")]
    read = job_module.read_state

    def deleted_meanwhile(folder):
        if folder.name == "one" and folder.exists():
            shutil.rmtree(folder)
        return read(folder)

    monkeypatch.setattr(job_module, "read_state", deleted_meanwhile)
    assert [run.id for run in list_runs() if not run.shipped] == ["two"]
    assert check_job(runs[0]) == []
    assert said("runs", "list", "--json")[0] == 0


def test_a_link_is_deleted_as_a_link(config, tmp_path):
    run = create(config())
    run.path.rename(tmp_path / "elsewhere")
    run.path.symlink_to(tmp_path / "elsewhere")
    assert open_run(run.id).state.status == "interrupted"
    delete(open_run(run.id))
    assert not os.path.lexists(run.path)
    assert (tmp_path / "elsewhere" / "config.json").exists()


def test_a_folder_of_runs_that_cannot_be_read_is_said(home):
    own_jobs().write_text("a file in its place")
    with pytest.raises(RunError, match="cannot read the runs"):
        list_runs()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_run_without_rights_is_listed_and_deleted(config):
    run = create(config())
    run.path.chmod(0)
    assert open_run(run.id).state.status == "unreadable"
    delete(open_run(run.id))
    assert not os.path.lexists(run.path)


def test_a_name_that_is_no_text_is_listed(config):
    run = create(config())
    os.rename(run.path, os.fsencode(run.path) + b"\xff\x1b")
    (odd,) = [run for run in list_runs() if not run.shipped]
    code, out, _ = said("runs", "list")
    assert code == 0
    out.encode()
    delete(open_run(odd.id))
    assert [run for run in list_runs() if not run.shipped] == []


def test_a_damaged_run_is_the_last_to_be_shown(home):
    run, other = toys.small_run("new", maps=False), toys.small_run("old", maps=False)
    (other.path / "labels.json").write_text("[]")
    assert [one.id for one in finished_runs() if not one.shipped] == [run.id, other.id]


def test_leftovers_are_swept_and_what_is_being_made_is_not(config, home):
    run, folder = create(config()), own_jobs()
    for name in (".deleted-x", ".part-0123456789abcdef_1_1_x", ".part-abc.json", "empty"):
        (folder / name).mkdir()
    with deciding(folder):
        assert [path.name for path in leftovers(folder)] == [".deleted-x"]  # the others are young
    old = clock_of(folder, 0) - int(7200 * 1e9)
    for name in (".part-0123456789abcdef_1_1_x", ".part-abc.json", "empty"):
        os.utime(folder / name, ns=(old, old))
    assert {finding.file for finding in check_home()} == {path.name for path in folder.iterdir()} - {
        run.id,
        ".queue.lock",
    }
    assert all(finding.fixed for finding in check_home(repair=True))
    assert check_home() == []
    assert run.path.exists()


def test_figures_state_labels_and_torn_lines_are_repaired_from_the_rest(home):
    run = toys.small_run(maps=False)
    figures, state = run.metrics(), run.state
    for name in ("metrics.json", "state.json", "labels.json"):
        (run.path / name).write_text("{")
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"kind": "epo')
    (run.path / ".part-x.npz").write_text("torn")
    code, out, err = said("runs", "check", run.id)
    assert code == 1
    assert "--repair" in err
    code, out, err = said("runs", "check", run.id, "--repair")
    assert (code, err) == (0, ""), err
    assert "5 repaired" in out
    assert said("runs", "check", run.id)[0] == 0
    again = open_run(run.id)
    assert again.state.status == state.status == "done"
    assert again.metrics().to_dict() == figures.to_dict()
    assert [event["kind"] for event in read_events(run.path / "events.jsonl")][-1] == "done"
    assert not (run.path / ".part-x.npz").exists()


def test_figures_that_do_not_follow_from_the_predictions_are_found(home):
    run = toys.small_run(maps=False)
    path = run.path / "metrics.json"
    path.write_text(path.read_text().replace('"n_patients": ', '"n_patients": 1', 1))
    (finding,) = check_job(run)
    assert "other figures than follow" in finding.problem
    (finding,) = check_job(run, repair=True)
    assert finding.fixed
    assert check_job(run) == []


def test_weights_of_another_network_are_found(home):
    run = toys.small_run(maps=False)
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps(config | {"student_arch": "slow_toy"}))
    found = {finding.file: finding.problem for finding in check_job(run)}
    assert {f"models/{member}.safetensors" for member in MEMBERS if member != "teacher"} <= set(found)
    assert "another network" in found["models/alone.safetensors"]


def test_what_a_repair_cannot_do_is_said(home):
    run = toys.small_run(maps=False)
    (run.path / "config.json").write_text("{")
    code, _, err = said("runs", "check", run.id, "--repair")
    assert code == 1
    assert "without a copy, delete it" in err


def test_an_unfinished_run_has_nothing_wrong(config):
    run = create(config())
    assert check_job(run) == []
    write_state(run.path, JobState("queued"))
    assert check_job(run) == []
