"""`audit`: done once, read from then on, and gone on with where it was stopped."""

import json

import numpy as np
import pytest

from cxrkd.data.readers.films import STRANGERS
from cxrkd.runs.auditing import stages as auditing
from cxrkd.runs.auditing.figures import CALLED, EVERY
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.beside import finished, newest
from cxrkd.runs.metrics import MemberMetrics
from tests import toys
from tests.trees import hospital


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    return toys.finished_run(toys.tiny_config("small", patients=60, size=64, arch="mobilenetv3_small_100"))


@pytest.fixture
def audit(cli, run):
    """Few proofs, which take longest."""
    return lambda *words: cli("audit", run.id, "--proofs", 3, *words)


def test_it_is_done_printed_and_kept(audit, run):
    outcome = audit()
    assert outcome.code == 0, outcome.err
    job = newest(AuditJob, run)
    assert str(job.path) in outcome.out
    for text in (
        "Student distilled",
        "random student",
        "label mean",
        "ceiling",
        "marked findings",
        "outside the body",
        "last layer anew",
    ):
        assert text in outcome.out
    assert "nan" not in outcome.out
    document = audit("--json").document
    assert (document["audit"], document["run"], document["method"]) == (job.id, "small", "gradcam")
    assert len(document["verdicts"]) == 2 + 1 + 3 + 3 + 1
    assert document["rule"].startswith("A student looks where its teacher looks if")
    assert document["agreement"][0]["own"]["value"] == job.figures().agreement[0].own.value


def test_other_questions_are_other_audits(audit, run):
    few = audit("--films", "6", "--method", "layercam", "--json").document
    assert (few["n"], few["method"]) == (6, "layercam")
    assert audit("--films", "6", "--json").document["audit"] != few["audit"]
    assert audit("--films", "6", "--method", "layercam", "--json").document["audit"] == few["audit"]
    assert len(finished(AuditJob, run)) == 2
    words = ["--films", "6", "--proofs", "0"]
    bare = audit(*words, "--json").document
    assert (bare["faithful"], bare["cascade"]) == ([], [])
    assert "was not measured in this audit" in audit(*words).out


def test_films_of_another_data_set_without_marks(audit, run, tmp_path):
    hospital(tmp_path / "other", 5001, {"test": 12})
    outcome = audit("--kind", "folder", "--folder", tmp_path / "other")
    assert outcome.code == 0, outcome.err
    assert "Nothing is marked on these films" in outcome.out
    assert audit("--kind", "folder", "--folder", tmp_path / "other", "--json").document["n_marked"] == 0


def test_films_without_a_table_are_audited_over_what_networks_call(cli, run, tmp_path, monkeypatch):
    cuts = np.where(np.arange(len(run.labels)) < 7, 0.5, np.nan)
    monkeypatch.setattr(MemberMetrics, "thresholds_array", lambda self: cuts)
    hospital(tmp_path / "films", 5001, {"test": 14})
    (tmp_path / "films" / "labels.csv").unlink()
    words = ["audit", run.id, "--kind", "folder", "--folder", tmp_path / "films"]
    outcome = cli(*words, "--report", tmp_path / "r.html")
    assert outcome.code == 0, outcome.err
    job = newest(AuditJob, run)
    calls = [job.calls(member) == 1 for member in run.members()]
    called, figures = np.any(calls, axis=0), job.figures()
    assert 0 < called.sum() < called.size
    assert figures.counted == CALLED
    own = job.agreements()["distilled"].own
    assert figures.agreement_of("distilled", CALLED).own.n == (called & ~np.isnan(own)).sum()
    assert figures.agreement_of("distilled", CALLED).own.value == pytest.approx(np.nanmean(own[called]))
    assert figures.agreement_of("distilled", EVERY).own.n == (~np.isnan(own)).sum()
    for text in (STRANGERS, "No finding is known to be on these films", "findings that some network calls"):
        assert text in outcome.out
    assert "Nothing is marked on these films" in outcome.out
    assert "nan" not in outcome.out
    page = (tmp_path / "r.html").read_text()
    assert "of 14" in page
    assert "5001" not in page
    document = cli(*words, "--json").document
    assert (document["n"], document["n_patients"], document["n_marked"]) == (14, 14, 0)
    assert (document["audit"], document["remarks"]) == (job.id, [STRANGERS])


def test_films_without_a_table_and_without_a_call_are_audited_over_every_finding(audit, run, tmp_path):
    hospital(tmp_path / "films", 5001, {"test": 12})
    (tmp_path / "films" / "labels.csv").unlink()
    outcome = audit("--kind", "films", "--folder", tmp_path / "films", "--report", tmp_path / "r.html")
    assert outcome.code == 0, outcome.err
    assert newest(AuditJob, run).figures().counted == EVERY, "nobody has a threshold"
    assert "figures are over every finding" in outcome.out


def test_a_table_that_is_named_and_not_there_is_refused(audit, run, tmp_path):
    hospital(tmp_path / "films", 5001, {"test": 14})
    outcome = audit("--kind", "folder", "--folder", tmp_path / "films", "--table", "mine.csv")
    assert outcome.code == 2
    assert "mine.csv" in outcome.err


def test_a_report_has_the_figures_that_are_printed(audit, run, tmp_path):
    document = audit("--report", tmp_path / "r.json", "--json").document
    assert document["report"] == str(tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert {name: document[name] for name in report["figures"]} == report["figures"]
    assert report["verdicts"] == document["verdicts"]
    refused = audit("--report", tmp_path / "r.pdf")
    assert (refused.code, "ends in .html or .json" in refused.err) == (2, True)


def test_an_audit_that_was_stopped_goes_on(audit, run, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(auditing, "explained", stop)
        stopped = audit()
    assert stopped.code == 130
    assert "runs resume small-audit" in stopped.err
    assert audit("--json").document["audit"] == "small-audit"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--films", "1"], "expected 2 films or more, got 1"),
        (["--proofs", "-1"], "expected a number of films, 0 or more, got -1"),
        (["--folder", "x"], "Phantoms are drawn"),
    ],
)
def test_what_cannot_be_audited_is_refused_and_leaves_nothing(audit, run, words, sentence):
    outcome = audit(*words)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert not list(run.path.parent.glob("small-audit*"))
