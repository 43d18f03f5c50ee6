import re

import pytest

from cxrkd import runs
from cxrkd.cli.distill import foreground
from cxrkd.errors import DataError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.job import own_jobs
from cxrkd.jobs.queue import delete
from cxrkd.runs import stages

TINY = ["--patients", 24, "--image-size", 32, "--student", "mobilenetv3_small_100", "--epochs", 1, "--warm-epochs", 0]
TINY += ["--batch-size", 16, "--no-control"]


def test_a_run_is_made_here_and_shown(cli, tiny_run):
    found = cli("distill", "--name", "by hand", *TINY, "--teacher-from", tiny_run.id, "--objective", "bkd", "--json")
    assert found.code == 0
    document = found.document
    assert document["state"]["status"] == "done"
    assert list(document["metrics"]["members"]) == ["teacher", "distilled"]
    assert "Distilling the student" in found.err
    run = runs.open_run(document["run"])
    assert run.config.objective.name == "bkd"
    listed = cli("runs", "list", "--json").document["runs"]
    assert {"by-hand", tiny_run.id} <= {one["run"] for one in listed}


def test_a_dry_run_prints_the_config_and_does_nothing(cli):
    before = len(runs.list_runs())
    found = cli("distill", "--name", "plan", *TINY, "--dry-run", "--json").document
    assert (found["name"], found["data"]["n_patients"], found["control"]) == ("plan", 24, False)
    assert len(runs.list_runs()) == before


def test_a_dry_run_says_on_stderr_how_long_and_what_is_wrong_and_its_config_can_be_used(cli, tmp_path):
    tried = cli("distill", "--name", "plan", *TINY, "--dry-run")
    assert "labels cannot be judged, not enough cases in test" in tried.err
    assert "fewer than a batch" not in tried.err
    assert re.search(r"About .+ on this machine, (a guess from one pass|from \d finished runs?)", tried.err)
    (tmp_path / "plan.json").write_text(tried.out)
    again = cli("distill", "--config", tmp_path / "plan.json", "--dry-run")
    assert again.out == tried.out
    refused = cli("distill", "--name", "plan", *TINY, "--teacher-from", "nobody", "--dry-run")
    assert refused.code == 0
    assert "It would be refused: expected the id or the folder of a run, got 'nobody'" in refused.err


@pytest.fixture
def no_worker(monkeypatch):
    """Queued runs stay queued."""
    monkeypatch.setattr(queue, "ensure_worker", lambda: None)


def test_queue_cancel_resume_delete(cli, no_worker):
    run = cli("distill", "--name", "waits", *TINY, "--queue", "--json").document["run"]
    assert cli("runs", "show", run, "--json").document["state"]["status"] == "queued"
    refused = cli("runs", "delete", run)
    assert refused.code == 2
    assert "cancel it" in refused.err
    assert cli("runs", "cancel", run, "--json").document["state"]["status"] == "cancelled"
    assert cli("runs", "resume", run, "--json").document["state"]["status"] == "queued"
    cli("runs", "cancel", run)
    assert cli("runs", "delete", run, "--json").document == {"run": run, "deleted": True}
    assert cli("runs", "show", run).code == 2


def test_people_read_the_state_of_a_run(cli, tiny_run):
    found = cli("runs", "show", tiny_run.id)
    assert found.code == 0
    assert "done, 100%" in found.out
    assert "24 patients" in found.out
    assert tiny_run.id in cli("runs", "list").out


def test_the_log_ends_where_it_ends(cli, tiny_run):
    whole = cli("runs", "log", tiny_run.id, "--json").document["log"]
    assert "Preparing the data" in whole[0]
    assert cli("runs", "log", tiny_run.id, "-n", 1).out.strip() == whole[-1]
    for n in (0, -3):
        assert f"-n: expected at least 1, got {n}" in cli("runs", "log", tiny_run.id, "-n", n).err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit], ids=lambda e: e.__name__)
def test_a_stopped_run_says_how_to_go_on(cli, no_worker, monkeypatch, stop):
    def interrupted(*_):
        raise stop(1)

    monkeypatch.setattr(stages, "run_stages", interrupted)
    found = cli("distill", "--name", "stopped", *TINY)
    assert (found.code, found.out) == (130, "")
    assert "python -m cxrkd runs resume stopped" in found.err
    assert runs.open_run("stopped").state.status == "interrupted"
    delete(runs.open_run("stopped"))


def test_resume_in_the_foreground_executes_here(cli, no_worker, monkeypatch):
    run = cli("distill", "--name", "later", *TINY, "--queue", "--json").document["run"]
    executed = []
    monkeypatch.setattr("cxrkd.jobs.execute.execute", lambda run: executed.append(run.id))
    monkeypatch.setattr("cxrkd.cli.distill._lines", lambda run: [])
    assert cli("runs", "resume", run, "--foreground").code == 0
    assert executed == [run]
    cli("runs", "cancel", run)


def test_a_failed_run_is_an_error(tiny_run):
    with pytest.raises(RunError, match="done"):
        foreground(tiny_run)


@pytest.mark.parametrize("how", [[], ["--queue"]], ids=["here", "queued"])
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--kind", "folder", "--folder", "/no/such/folder"], "/no/such/folder"),
        (["--teacher", "no_such"], "no_such"),
        (["--teacher-from", "nobody"], "nobody"),
        (["--student-weights", "imagenet"], "weights imagenet"),
    ],
    ids=["data", "network", "teacher", "weights"],
)
def test_what_is_refused_leaves_no_folder(cli, no_worker, how, flags, said):
    before = {path.name for path in own_jobs().iterdir()} if own_jobs().exists() else set()
    found = cli("distill", "--name", "refused", *TINY[2:], *flags, *how)
    assert (found.code, found.out) == (2, "")
    assert said in found.err
    after = {path.name for path in own_jobs().iterdir()} if own_jobs().exists() else set()
    assert {name for name in after - before if not name.startswith(".queue")} == set()


@pytest.mark.parametrize("option", ["--devices", "--num-nodes"])
@pytest.mark.parametrize("text", ["x", "", "0", "-1", "1.5", "9" * 5000])
def test_numbers_of_processes_are_from_one(cli, option, text):
    refused = cli("distill", "--name", "x", "--dry-run", f"{option}={text}")
    assert refused.code == 2
    assert f"argument {option}: expected a whole number from 1, got '{text[:20]}" in refused.err


def test_data_that_turn_out_unfit_while_they_are_read_leave_no_folder(cli, no_worker, monkeypatch):
    def unfit(*_):
        raise DataError("The images are in two splits.")

    monkeypatch.setattr(stages, "run_stages", unfit)
    found = cli("distill", "--name", "unfit", *TINY)
    assert (found.code, "two splits" in found.err) == (2, True)
    assert not (own_jobs() / "unfit").exists()


def test_what_failed_for_another_reason_is_kept(cli, no_worker, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stages, "run_stages", full)
    assert cli("distill", "--name", "full", *TINY).code == 2
    assert runs.open_run("full").state.status == "failed"
    delete(runs.open_run("full"))


def test_the_config_of_a_run_is_a_config_file(cli, tiny_run, tmp_path):
    found = cli("distill", "--config", tiny_run.path / "config.json", "--dry-run", "--json")
    assert found.document["name"] == tiny_run.config.name
    (tmp_path / "newer.json").write_text('{"name": "x", "version": 99}')
    assert "a newer one wrote it" in cli("distill", "--config", tmp_path / "newer.json", "--dry-run").err
