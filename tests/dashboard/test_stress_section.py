"""Stress on the Results page: no test yet, one at work, one that stopped, one that is done; and how it is asked for."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.access.record import read_acts
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.dashboard import access
from cxrkd.dashboard.distill import making
from cxrkd.dashboard.results.readers import in_words, marks, reach_table
from cxrkd.dashboard.results.stress import stress_table
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.errors import AccessError
from cxrkd.evaluate.readers import reader_study
from cxrkd.evaluate.stress import measure_stress
from cxrkd.images.stress import BY_NAME
from cxrkd.jobs.asked import by_page
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import write_json
from cxrkd.jobs.queue import cancel
from cxrkd.runs import list_runs
from cxrkd.runs.beside import FilmsAsked, asked_about, create_beside
from cxrkd.runs.stressing.job import StressJob
from tests import toys


@pytest.fixture
def run(own_home):
    return toys.finished_run(toys.tiny_config("small", patients=60, arch="mobilenetv3_small_100"))


def section():
    from cxrkd.dashboard.results import stress
    from cxrkd.runs import open_run

    stress.draw(open_run("small"))


def opened():
    page = AppTest.from_function(section, default_timeout=60).run()
    assert not page.exception
    return page


def words(page):
    return "\n".join(str(one.value) for group in (page.markdown, page.caption, page.error) for one in group)


def test_without_a_test_the_page_says_how_one_is_made_and_makes_it(run):
    page = opened()
    assert "python -m cxrkd evaluate small --stress" in words(page)
    page.button[0].click().run()
    (job,) = making.list_own_jobs()[:1]
    assert (job.id, job.state.status, by_page(job)) == ("small-stress", "queued", True)
    assert "at work" in words(page)
    assert [(act.what, act.on, act.outcome) for act in read_acts()] == [("queue", "small-stress", "done")]
    cancel(job)
    assert "runs resume small" in words(opened())


def test_a_finished_test_is_shown(run):
    execute(create_beside(StressJob, run, FilmsAsked(**asked_about(run))))
    page = opened()
    changes = [stress.title for stress in BY_NAME.values()]
    assert [frame.value["Films"].tolist() for frame in page.dataframe] == [["As they came", *changes], changes]
    shown, more = ([*frame.value] for frame in page.dataframe)
    assert "What it is" in more
    assert all("probability moves" in name for name in more[2:])
    assert not {*shown} & {*more[1:]}, "what would be moved sideways stands in a box of its own"
    assert "dashed line at −0.02" in words(page)
    assert not page.button


def test_a_visit_that_may_look_makes_nothing(run, monkeypatch):
    looker = Person("look", "aaaaaa", "10.0.0.7")
    monkeypatch.setattr(access, "current", lambda: looker)
    assert not opened().button
    with pytest.raises(AccessError):
        making.queue_beside(looker, run, StressJob, FilmsAsked(**asked_about(run)))
    assert len(making.list_own_jobs()) == 1


def test_films_that_pages_may_not_read_are_not_asked_for(run, tmp_path):
    away = run.config.model_copy(update={"data": FolderConfig(folder=tmp_path / "away", image_size=32)})
    write_json(run.path / "config.json", {"version": 1, **away.model_dump(mode="json")})
    (tmp_path / "away").mkdir()
    page = opened()
    assert not page.button
    assert "--folder DIR" in words(page)
    with pytest.raises(AccessError):
        making.queue_beside(THIS_MACHINE, list_runs()[0], StressJob, FilmsAsked(**asked_about(run)))
    assert len(making.list_own_jobs()) == 1


def test_the_table_says_which_member_falls():
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 2)) < 0.4).astype(float)
    clean = {name: rng.normal(size=(200, 2)) + 2 * targets for name in ("teacher", "distilled")}
    blurred = {"teacher": clean["teacher"] - 0.1, "distilled": clean["distilled"] + 2 * rng.normal(size=(200, 2))}
    table = stress_table(measure_stress(clean, {"blur": blurred}, targets, np.arange(200), ("a", "b")))
    assert table["Films"].tolist() == ["As they came", "Blur"]
    assert table["Verdict"].tolist()[1] == "falls: student distilled"
    assert table["Teacher, change"][1].startswith("+0.000 (")
    assert "−" in table["Student distilled, change"][1]


def test_readers_become_marks_rows_and_words():
    rng = np.random.default_rng(0)
    calls = (rng.random((5, 300, 2)) < 0.4).astype(float)
    targets = (calls[2:].sum(axis=0) > 1.5).astype(float)
    names, logits = [f"reader{n}" for n in range(1, 6)], rng.normal(size=(300, 2)) + 3 * targets
    study = reader_study(names, calls, targets, np.arange(300), ("Mass", "Edema"), {"teacher": logits})
    drawn = marks(study, "Mass")
    assert [mark.independent for mark in drawn] == [True, True, False, False, False]
    for mark, called in zip(drawn, calls[:, :, 0], strict=True):
        assert mark.tpr == pytest.approx(called[targets[:, 0] == 1].mean())
        assert mark.fpr == pytest.approx(called[targets[:, 0] == 0].mean())
    table = reach_table(study)
    assert len(table) == 10
    assert table["Teacher − radiologist"][0].endswith(", above")
    assert table["Radiologist"].tolist()[:3] == ["reader1", "reader2", "reader3 (part of the reference)"]
    assert in_words(study).startswith("Teacher: reaches 4 of 4 points of independent readers")
    assert "majority of reader3, reader4, reader5" in in_words(study)
