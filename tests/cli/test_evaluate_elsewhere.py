"""`evaluate RUN --kind KIND --folder DIR`: on the command line, with its options and its refusals."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrkd.data import load_cohort
from cxrkd.jobs.job import list_own_jobs
from cxrkd.runs.seen import keep_seen
from cxrkd.runs.validating import stages
from tests import toys
from tests.trees import hospital, write_csv


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of ten patients to train on and thirty each to choose and to measure on."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    toys.everywhere(monkeypatch, tmp_path / "site")
    data = hospital(tmp_path / "first", 1, {"train": 10, "val": 30, "test": 30})
    run = toys.finished_run(toys.tiny_config("Measured", data=data, arch="plain_toy", seeds=(0, 1, 2)))
    keep_seen(run, load_cohort(data))
    return run


@pytest.fixture
def other(tmp_path):
    """Another hospital with thirty patients."""
    return hospital(tmp_path / "second", 5001, {"test": 30}).folder


def test_people_read_how_and_on_what_it_was_measured(cli, run, other):
    found = cli("evaluate", run.id, "--kind", "folder", "--folder", other, "--name", "Second hospital")
    assert found.code == 0, found.err
    assert "measured on second (labels.csv): AUROC on 30 films of 30 patients" in found.out
    assert "The networks were asked" in found.out
    assert "own test films | here" in found.out
    assert "over 2 findings that count on both" in found.out
    assert "Kept as second-hospital" in found.out
    assert "Asking the network: teacher" in found.err


def test_radiologists_are_named_by_a_table_in_the_folder(cli, run, other):
    rows = [[f"{5001 + i}.png", reader, "YES" if i % 3 else "NO"] for i in range(30) for reader in ("a", "b")]
    write_csv(other / "readers.csv", ["Image_ID", "Reader_ID", "Effusion"], rows)
    shown = cli("evaluate", run.id, "--folder", other, "--readers", "readers.csv")
    assert shown.code == 0, shown.err
    assert "teacher: Reaches" in shown.out
    assert "of 2 points of independent readers" in shown.out
    document = cli("evaluate", run.id, "--folder", other, "--readers", other / "readers.csv", "--json").document
    assert document["readers"]["readers"] == ["a", "b"]
    missing = cli("evaluate", run.id, "--folder", other, "--readers", "elsewhere.csv")
    assert (missing.code, "expected a table, got elsewhere.csv" in missing.err) == (2, True)


def test_the_document_follows_from_the_answers(cli, run, other):
    document = cli("evaluate", run.id, "--folder", other, "--json").document
    assert document["data"]["kind"] == "folder"
    assert document["facts"]["answered_by"] == "networks"
    assert "The networks were asked" in document["sentences"][0]
    row = document["metrics"]["members"]["alone"]["over_seeds"]["labels"][0]
    test = list_own_jobs()[0].test()["alone"]
    assert row["auroc"] == pytest.approx(roc_auc_score(np.arange(30) % 2, test.logits[0, :, 0]))
    beside = document["beside_own"]["members"]["alone"]
    assert beside["findings"][0]["here"]["auroc"] == row["auroc"]
    own = cli("evaluate", run.id, "--json").document["members"]["alone"]["model"]["labels"][0]
    assert beside["findings"][0]["own"]["auroc"] == pytest.approx(own["auroc"])


def test_asked_again_nobody_answers_and_a_change_replaces_what_was_kept(cli, run, other, monkeypatch):
    words = ("evaluate", run.id, "--folder", other)
    before, real = cli(*words, "--json").document, stages.network_answers
    monkeypatch.setattr(stages, "network_answers", lambda *args: pytest.fail("a network was asked"))
    assert cli(*words, "--json", "--name", "otherwise").document == before
    monkeypatch.setattr(stages, "network_answers", real)
    text = (other / "labels.csv").read_text()
    (other / "labels.csv").write_text(text.replace(",test,0,", ",test,1,", 1))
    after = cli(*words, "--json").document
    assert after["validation"] != before["validation"]
    assert after["metrics"]["members"]["alone"]["model"]["labels"][0]["n_pos"] == 16
    assert [job.id for job in list_own_jobs() if job != run] == [after["validation"]]


def test_what_was_stopped_goes_on(cli, run, other, monkeypatch):
    asked, real = [], stages.network_answers

    def stopping(run, member, *others):
        asked.append(member)
        if asked == ["teacher", "alone"]:
            raise KeyboardInterrupt
        return real(run, member, *others)

    monkeypatch.setattr(stages, "network_answers", stopping)
    stopped = cli("evaluate", run.id, "--folder", other)
    assert stopped.code == 130
    assert "Go on where it was with: python -m cxrkd runs resume" in stopped.err
    assert "interrupted" in cli("evaluate", run.id).out
    assert cli("evaluate", run.id, "--folder", other).code == 0
    assert asked == ["teacher", "alone", "alone", "distilled"]
    assert len(list_own_jobs()) == 2


def test_the_run_lists_what_it_was_measured_on(cli, run, other):
    assert cli("evaluate", run.id, "--json").document["validations"] == []
    cli("evaluate", run.id, "--folder", other, "--name", "Second hospital")
    text = cli("evaluate", run.id).out
    assert "measured on" in text
    (row,) = (line for line in text.splitlines() if line.startswith("Second hospital"))
    assert row.split()[2:4] == ["30", "2"]
    (one,) = cli("evaluate", run.id, "--json").document["validations"]
    assert (one["n_films"], one["findings"], one["status"]) == (30, ["Effusion", "Mass"], "done")
    assert one["macro_auroc"].keys() == {"teacher", "alone", "distilled"}


def test_a_refusal_leaves_no_folder(cli, run, tmp_path):
    words = ("evaluate", run.id, "--folder", tmp_path / "first", "--split-column", "none")
    refused = cli(*words)
    assert refused.code == 2
    (tmp_path / "first" / "all.csv").write_text(
        (tmp_path / "first" / "labels.csv").read_text().replace("train", "test")
    )
    refused = cli("evaluate", run.id, "--folder", tmp_path / "first", "--table", "all.csv")
    assert refused.code == 2
    assert "was trained on 10 patients of first (all.csv)" in refused.err
    assert list_own_jobs() == [run]
    kept = cli(
        "evaluate", run.id, "--folder", tmp_path / "first", "--table", "all.csv", "--leave-out", "--json"
    ).document
    assert kept["facts"]["left_out_patients"] == 10
    assert kept["facts"]["answered_by"] == "kept"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--by", "view"], "--by is about the run's own test films"),
        (["--curves"], "--curves is about the run's own test films"),
        (["--write"], "--write is about the run's own test films"),
        (["--labels", "Mass"], "--labels is about the run's own test films"),
        (["--name", "x" * 90], "The name: expected at most 80 characters"),
        (["--name", ""], "The name: nothing was given"),
        (["--kind", "floder"], "--kind: expected phantom"),
        (["--patients", "3"], "--patients"),
        (["--kind", "chexpert", "--table", "x.csv"], "--table"),
    ],
)
def test_options_that_do_not_go_together(cli, run, other, words, sentence):
    found = cli("evaluate", run.id, "--folder", other, *words)
    assert found.code == 2
    assert sentence in found.err
    assert list_own_jobs() == [run]


@pytest.mark.parametrize("word", ["--leave-out", "--other-patients", "--name"])
def test_what_is_about_a_data_set_needs_one(cli, run, word):
    found = cli("evaluate", run.id, word, *(["x"] if word == "--name" else []))
    assert found.code == 2
    assert f"{word} is about films of another data set" in found.err


def test_phantoms_are_called_so(cli, run):
    found = cli("evaluate", run.id, "--kind", "phantom", "--patients", "20")
    assert found.code == 0, found.err
    assert "phantom films" in found.out
