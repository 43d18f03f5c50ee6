"""`study`: printed before it is done, done, read again, and faults as sentences."""

import csv
import io
import json

import pytest

from cxrkd.data import cohort_size
from cxrkd.runs import list_runs
from cxrkd.runs.estimate import Pace
from cxrkd.studies.grid import grid
from cxrkd.studies.study import list_studies
from tests.report.pages import self_contained
from tests.studies.conftest import asked, furnish, settings  # noqa: F401  (a fixture)


@pytest.fixture
def home(tmp_path, monkeypatch, furnish):  # noqa: F811
    return furnish(monkeypatch, tmp_path)


def made():
    return [study for study in list_studies() if not study.shipped]


@pytest.fixture
def file(home):
    """A study of one cell."""
    path = home / "study.json"
    path.write_text(json.dumps(settings(teachers=["toy"], objectives=["bkd"], films=0)))
    return path


def test_a_dry_run_prints_the_grid_and_makes_nothing(cli, home, monkeypatch):
    monkeypatch.setattr("cxrkd.runs.estimate._glance", lambda arch, size: Pace(1.0, 0.1))
    path = home / "study.yaml"
    path.write_text(json.dumps(settings()))
    printed = cli("study", path, "--dry-run")
    assert printed.code == 0, printed.err
    assert "toys: 4 cells, seeds 0, 1, 2; 0 are there already" in printed.out
    assert printed.out.count("trained here") == 3  # two teachers, one student alone
    cells = cli("study", path, "--dry-run", "--json").document["cells"]
    assert [cell["trains_teacher"] for cell in cells] == [True, False, True, False]
    assert [cell["trains_control"] for cell in cells] == [True, False, False, False]
    _, n_train = cohort_size(grid(asked())[0].config.data)
    spared = 4 * n_train * 1.0 - 1.0  # a teacher and three students alone; to copy a teacher takes a second
    assert cells[0]["seconds"] - cells[1]["seconds"] == pytest.approx(spared)
    assert not made()
    assert not [run for run in list_runs() if not run.shipped]


def test_it_is_done_printed_written_and_read_again(cli, file, home, monkeypatch):
    done = cli("study", file, "--csv", home / "table.csv", "--report", home / "study.html")
    assert done.code == 0, done.err
    (study,) = made()
    (cell,) = study.figures().cells
    assert f"{cell.auroc.value:.3f}" in done.out
    assert f"{cell.gain.value:+.3f}" in done.out
    assert "Measured on phantom radiographs" in done.out
    rows = list(csv.DictReader(io.StringIO((home / "table.csv").read_text())))
    assert [row["member"] for row in rows] == ["distilled", "teacher", "alone"]
    assert float(rows[0]["gain_low"]) == cell.gain.low
    assert (rows[0]["n_seeds"], rows[0]["run"]) == ("3", cell.run)
    page = self_contained((home / "study.html").read_text())
    assert f"{cell.auroc.value:.3f}" in page.text
    assert "Measured on phantom radiographs" in page.text

    def refuse(*args, **kwargs):
        raise AssertionError("done again")

    monkeypatch.setattr("cxrkd.studies.stages.do_study", refuse)
    again = cli("study", file, "--json").document
    assert (again["study"], again["cells"][0]["run"]) == (study.id, cell.run)
    assert cli("study", study.id, "--json").document == again
    assert "1 of 1" in cli("runs", "show", study.id).out
    assert "study" in cli("runs", "list").out


def test_it_is_queued_once(cli, file, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    assert "is queued" in cli("study", file, "--queue").out
    assert "is queued" in cli("study", file, "--queue").out
    (study,) = made()
    assert study.state.status == "queued"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"teachers": ["tyo"]}, "tyo → toy, bkd: Unknown network 'tyo'"),
        ({"objectives": ["bdk"]}, "toy → toy, bdk: objective.name: expected paper, bkd"),
        ({"teachers": [{"teacher_from": "nobody"}]}, "teacher of nobody → toy, bkd: "),
        ({"grid": 1}, "grid: there is no such setting"),
    ],
)
def test_what_is_refused_leaves_nothing(cli, home, changes, sentence):
    path = home / "study.yml"
    path.write_text(json.dumps(settings(**changes)))
    refused = cli("study", path)
    assert refused.code == 2
    assert sentence in refused.err
    assert not made()


def test_what_is_neither_file_nor_study_is_a_sentence(cli, home):
    assert "Expected a file of a study, or the id of one" in cli("study", "nothing").err
    assert "Cannot read" in cli("study", home / "none.yaml").err
