"""The Studies page: nothing yet, asked for, at work, stopped, done; and what a visitor may not."""

import dataclasses
import json
import shutil

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from cxrkd.access.roles import Person
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.charts import study as charts
from cxrkd.dashboard.studies import showing
from cxrkd.errors import AccessError
from cxrkd.jobs.asked import by_page
from cxrkd.jobs.queue import cancel
from cxrkd.jobs.state import JobState, write_state
from cxrkd.report.study import study_report
from cxrkd.runs.run import open_run
from cxrkd.studies.measuring import measure_study
from cxrkd.studies.reading import parse_study, read_study
from cxrkd.studies.study import Place, asked_before, create_study, list_studies
from cxrkd.studies.tables import gains_table
from cxrkd.studies.wording import runs_gone, verdicts
from cxrkd.text import minus
from tests import toys
from tests.report.pages import self_contained
from tests.studies.conftest import asked

SEEDS = (0, 1, 2)
OBJECTIVES = ("bkd", "paper")


@pytest.fixture
def home(own_home, tmp_path, monkeypatch):
    """A home that knows the toys."""
    toys.everywhere(monkeypatch, tmp_path / "site")
    return own_home


@pytest.fixture
def run(home):
    return toys.finished_run(toys.tiny_config("small", patients=40))


@pytest.fixture
def done(home):
    """A finished study of 2 x 1 x 2 of runs that were not trained: what the page reads is there."""
    base = {"data": {"kind": "phantom", "n_patients": 400, "image_size": toys.SIZE}}
    study = create_study(asked(base=base, objectives=list(OBJECTIVES), seeds=list(SEEDS), films=0))
    places = {}
    for cell in study.cells:
        skill = toys.SKILL | {"distilled": 1.8 + 0.4 * cell.number}
        made = toys.finished_run(cell.config, skill=skill)
        places[cell.stage] = Place(made.id, made.id)
    study.keep_places(places)
    study.keep_figures(measure_study(study))
    write_state(study.path, JobState("done", "Done", 1.0, created=1e9, started=1e9, finished=1e9 + 60))
    return study


def opened():
    page = AppTest.from_file(routes.BY_NAME["studies"].path, default_timeout=60).run()
    assert not page.exception
    return page


def words(page):
    groups = (page.markdown, page.caption, page.header)
    return "\n".join(str(one.value) for group in groups for one in group).replace("\\", "")


def button(page, label):
    return next(one for one in page.button if one.label == label)


def test_without_a_study_the_page_says_how_one_is_made_and_makes_it(run):
    page = opened()
    assert "python -m cxrkd study STUDY.yaml" in words(page)
    page.multiselect(key="study_objectives").set_value(["bkd", "cam"])
    page.text_input(key="study_seeds").set_value("0, 1")
    button(page, "Start the study").click().run()
    assert not page.error, page.error
    (study,) = list_studies()
    assert (study.state.status, by_page(study), study.config.seeds) == ("queued", True, (0, 1))
    assert [(cell.teacher, cell.student, cell.config.objective.name) for cell in study.cells] == [
        ("toy", "toy", "bkd"),
        ("toy", "toy", "cam"),
    ]
    assert study.cells[0].config.student_train == run.config.student_train
    assert study.cells[1].config.objective.view == "same"
    assert "At work, cells done 0 of 2" in words(page)
    cancel(study)
    assert "It was stopped (cancelled)" in words(opened())


def written(page, text):
    page.button_group(key="study_how").set_value("As YAML").run()
    page.text_area(key="study_yaml").set_value(text)
    button(page, "Start the study").click().run()
    return page


def test_a_study_can_be_written(run):
    text = yaml.safe_dump({**asked(objectives=["bkd"]).model_dump(mode="json"), "base": run.id})
    page = written(opened(), text)
    assert not page.error, page.error
    (study,) = list_studies()
    assert study.cells[0].config.data == run.config.data


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"base": "/etc"}, "Expected the id of a run of this machine as base"),
        ({"teachers": [{"teacher_from": "../small"}]}, "Expected a finished run of this machine to start from"),
        (
            {"objectives": [{"name": "bkd", "temperature": n} for n in range(1, 14)]},
            "at most 24 cells in a study, got 26",
        ),
        ({"seeds": list(range(11))}, "at most 10 seeds"),
        ({"seeds": [1, 1]}, "Seeds must differ"),
    ],
)
def test_what_a_page_does_not_take_is_a_sentence_and_makes_nothing(run, changes, sentence):
    page = written(opened(), json.dumps(asked().model_dump(mode="json") | changes))
    assert sentence in page.error[0].value.replace("\\", "")
    assert not list_studies()


def test_a_visit_that_may_look_makes_nothing(done, monkeypatch):
    from cxrkd.dashboard.distill import making

    look = Person("look", "aaaaaa", "10.0.0.7")
    monkeypatch.setattr(access, "current", lambda: look)
    page = opened()
    assert not page.button
    assert "The best student is" in words(page)
    with pytest.raises(AccessError):
        making.queue_study(look, asked())


def test_a_finished_study_is_shown_with_verdicts_charts_and_tables(done):
    page, figures = opened(), done.figures()
    text = words(page)
    assert "Measured on phantom radiographs" in text
    assert "corrected for the number of gains (Holm)" in text
    helped = sum(cell.verdict == "helped" for cell in figures.cells)
    assert helped  # else the page was not shown a claim
    assert f"Distillation helped in {helped} of 4 cells" in text
    table = next(one.value for one in page.dataframe if "p, Holm" in one.value)
    gains = gains_table(figures)["Gain over alone"]
    assert table["Gain over alone"].tolist() == [minus(gain) for gain in gains]
    assert [one.value for one in page.header] == [
        done.config.name,
        "What did distillation gain?",
        "Which network for which cost?",
    ]


def test_controls_are_told_apart_from_what_was_taught(done):
    figures = done.figures()
    helped = [cell.verdict == "helped" for cell in figures.cells]
    assert helped[-1]
    control = dataclasses.replace(figures.cells[-1], shuffled=True)
    figures = dataclasses.replace(figures, cells=(*figures.cells[:-1], control))
    first, largest, third, _ = verdicts(figures)
    assert first.startswith(f"Distillation helped in {sum(helped) - 1} of 3 cells")
    assert control.title not in largest
    assert third.endswith("helped in 1 of 1 cells and harmed in 0.")


def test_a_study_that_was_measured_before_controls_were_told_apart_is_read(done):
    path = done.path / "figures.json"
    kept = json.loads(path.read_text())
    for cell in kept["cells"]:
        del cell["shuffled"]
    path.write_text(json.dumps(kept))
    assert not any(cell.shuffled for cell in done.figures().cells)


def test_what_went_wrong_on_foreign_films_is_not_quoted(done, monkeypatch):
    figures = done.figures()
    first = dataclasses.replace(figures.cells[0], problem="row 3 of secrets.csv")
    done.keep_figures(dataclasses.replace(figures, cells=(first, *figures.cells[1:])))
    assert "secrets.csv" in words(opened())  # drawn films are nobody's
    monkeypatch.setattr("cxrkd.dashboard.studies.showing.tells", lambda study: False)
    page = opened()
    assert "secrets.csv" not in words(page)
    assert "1 of 4 cells lack figures" in words(page)
    assert "secrets.csv" not in study_report(done, with_problems=False).text(".html")
    assert "secrets.csv" not in study_report(done, with_problems=False).text(".json")


def test_charts_hold_the_figures(done):
    figures = done.figures()
    forest = charts.gains(figures.gains).data[-1]
    assert list(forest.x) == [cell.gain.value for cell in figures.cells]
    ticks = charts.gains(figures.gains).layout.yaxis.ticktext
    assert ticks == ("toy, bkd", "toy, paper", "plain_toy, bkd", "plain_toy, paper")  # of one student
    assert [colour == "rgba(0,0,0,0)" for colour in forest.marker.color] == [not cell.claimed for cell in figures.cells]
    squares = charts.gain_map(figures.gains).data[0]
    assert squares.z.tolist() == [
        [figures.cells[0].gain.value, figures.cells[1].gain.value],
        [figures.cells[2].gain.value, figures.cells[3].gain.value],
    ]
    line = charts.front(figures).data[0]
    assert sorted(line.y) == sorted(one.auroc.value for _, one in figures.networks if one.front)


def test_the_report_holds_figures_runs_and_hashes(done):
    page = self_contained(study_report(done).text(".html"))
    document = json.loads(study_report(done).text(".json"))
    assert document["figures"] == done.figures().to_dict()
    assert set(document["runs"]) == {cell.run for cell in done.figures().cells}
    for run in document["runs"].values():
        assert run["members"]["distilled"]["sha256"] in page.text
    for sentence in document["verdicts"]:
        assert sentence.replace("-", "−") in page.text


def test_a_study_whose_runs_are_gone_is_whole_and_says_so(done):
    figures = done.figures()
    assert runs_gone(figures) == ""
    shutil.rmtree(open_run(figures.cells[0].run).path)
    assert runs_gone(figures).startswith("1 of its 4 runs are not on this machine")
    for cell in figures.cells[1:]:
        shutil.rmtree(open_run(cell.run).path)
    page = opened()
    assert "Its runs are not on this machine" in words(page)
    assert len(next(one.value for one in page.dataframe if "p, Holm" in one.value)) == 4
    assert "not on this machine" in self_contained(study_report(done).text(".html")).text


def test_a_study_that_ships_is_shown_last_and_cannot_be_deleted(done, run, monkeypatch, tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(done.path, shipped / "theirs")
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", shipped)
    assert [study.id for study in list_studies()] == [done.id, "theirs"]
    shutil.rmtree(done.path)
    page = opened()
    assert "The best student is" in words(page)
    assert "Delete for good" not in [one.label for one in page.button]
    assert asked_before(list_studies()[0].config).id == "theirs"


def test_the_settings_that_are_offered_are_a_study(done):
    (offered,) = [one for one in opened().get("download_button") if one.proto.label == "Settings as JSON"]
    assert offered
    assert parse_study(showing.settings(done).encode(), "it") == done.config
    assert read_study(done.path / "study.json") == done.config
