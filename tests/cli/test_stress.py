"""`evaluate --stress`: done once, read from then on."""

import shutil

import pytest

from cxrkd.runs.beside import newest
from cxrkd.runs.stressing.job import StressJob
from tests import toys


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    return toys.finished_run(toys.tiny_config("small", patients=60, arch="mobilenetv3_small_100"))


def test_it_is_done_printed_and_kept(cli, run):
    found = cli("evaluate", run.id, "--stress")
    assert found.code == 0, found.err
    job = newest(StressJob, run)
    assert str(job.path) in found.out
    for text in ("as they came", "JPEG, quality 50", "change of AUROC", "verdict"):
        assert text in found.out
    assert "nan" not in found.out
    again = cli("evaluate", run.id, "--stress", "--json").document
    assert (again["stress"], again["run"], len(again["rows"])) == (job.id, "small", 21)
    assert again["films"] == "test films of the run"
    row = next(row for row in again["rows"] if row["stress"] == "blur" and row["member"] == "alone")
    assert row["diff"] == job.metrics().of("blur")["alone"].diff or row["diff"] is None
    assert job.path.parent.name == "runs"
    assert len(list(job.path.parent.iterdir())) >= 2


def test_a_test_that_was_stopped_goes_on(cli, run, monkeypatch):
    from cxrkd.runs.stressing import stages as stressing

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stressing, "ask_degraded", stop)
        stopped = cli("evaluate", run.id, "--stress")
    assert stopped.code == 130
    assert "runs resume small-stress" in stopped.err
    assert cli("evaluate", run.id, "--stress", "--json").document["stress"] == "small-stress"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--stress", "--curves", "--write"], "leave --curves and --write out"),
        (["--stress", "--folder", "x"], "Phantoms are drawn"),
    ],
)
def test_what_does_not_go_together_is_refused_and_leaves_nothing(cli, run, words, sentence):
    found = cli("evaluate", run.id, *words)
    assert found.code == 2
    assert sentence in found.err
    assert newest(StressJob, run) is None
    assert not list(run.path.parent.glob("small-stress*"))


def test_a_run_elsewhere_is_tested_by_its_path(cli, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "elsewhere")
    found = cli("evaluate", tmp_path / "elsewhere", "--stress", "--json").document
    assert found["run"] == "elsewhere"
    assert cli("evaluate", tmp_path / "elsewhere", "--stress", "--json").document["stress"] == found["stress"]
