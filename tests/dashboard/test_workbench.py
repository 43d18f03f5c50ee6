"""Runs beside one another on Results; a clone, a name and a note on Distil."""

import pytest

from cxrkd.access.record import read_acts
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.caching import ahead
from cxrkd.dashboard.distill import making
from cxrkd.errors import AccessError
from cxrkd.runs import create, list_runs, open_run
from tests import toys
from tests.dashboard.test_making import LOOKER, MAKER, distil, shown
from tests.dashboard.test_pages import GUESSED, assert_healthy, at_once, on_tab, open_page, words


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Three finished runs, c the newest: b has other epochs, c another student."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", tmp_path / "none")
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: at_once(lambda: GUESSED))
    networks = {"teacher_arch": "mobilenetv3_small_100", "student_arch": "eeea_net_c1"}
    a = toys.tiny_config("a", patients=400, size=64, train={"epochs": 2}, **networks)
    b = a.model_copy(update={"name": "b", "student_train": a.student_train.model_copy(update={"epochs": 3})})
    c = a.model_copy(update={"name": "c", "student_arch": "mnasnet_small"})
    for config in (a, b, c):
        toys.finished_run(config)
    return tmp_path


def test_several_runs_side_by_side(home):
    page = on_tab(open_page("results"), "Compare")
    page.session_state["cxrkd"].run_id = "a"
    page.run()
    page.multiselect(key="other_runs").set_value(["b", "c"]).run()
    assert_healthy(page)
    tables = {next(iter(frame.value.columns)): frame.value for frame in page.dataframe}
    settings = tables["Setting"].set_index("Setting")
    assert settings.loc["Student"].to_dict() == {"a": "EEEA-Net-C1", "b": "EEEA-Net-C1", "c": "MnasNet small"}
    assert settings.loc["Training of the students, Epochs at full size"].to_dict() == {"a": "2", "b": "3", "c": "2"}
    assert len(settings) == 2
    members = tables["Run"].set_index(["Run", "Model"])
    assert len(members) == 9
    row = members.loc[("c", MEMBER_NAMES["distilled"])]
    assert row["Parameters, M"] == pytest.approx((767_198 - 14 * 1281 + len(open_run("c").labels) * 1281) / 1e6)
    assert row["AUROC"] == open_run("c").metrics().members["distilled"].over_seeds.macro_auroc
    figures = tables["Finding"]
    assert list(figures.columns) == ["Finding", "a", "b", "c"]
    assert "compared_curves" in {chart.proto.id.split("-")[-1] for chart in page.get("plotly_chart")}


def test_a_clone_starts_from_what_its_model_was_asked(home, monkeypatch):
    queued = []
    monkeypatch.setattr(making, "create", lambda asked: queued.append(asked.config) or create(asked))
    page = open_page("distill")
    page.session_state["cxrkd"].followed_run_id = "b"
    page.run()
    next(button for button in page.button if button.label == "Clone with changes").click().run()
    assert_healthy(page)
    page.text_input(key="new_like_b_name").set_value("b again")
    page.number_input(key="new_like_b_student_train_weight_decay").set_value(0.05)
    next(button for button in page.button if button.label == "Distil").click().run()
    assert_healthy(page)
    (config,) = queued
    b = open_run("b").config
    changed = b.student_train.model_copy(update={"weight_decay": 0.05})
    assert config == b.model_copy(update={"name": "b again", "student_train": changed})
    assert page.session_state["cxrkd"].like_run_id is None, "the next form starts from a preset again"


def test_a_name_and_a_note_are_kept(home):
    page = open_page("distill")
    page.session_state["cxrkd"].followed_run_id = "a"
    page.run()
    page.text_input(key="name_a").set_value("the [first]")
    page.text_area(key="note_a").set_value("a *baseline*")
    page.button(key="keep_a").click().run()
    assert_healthy(page)
    assert (open_run("a").name, open_run("a").description.note) == ("the [first]", "a *baseline*")
    assert r"a \*baseline\*" in words(page)


def test_who_came_to_look_reads_notes_and_writes_none(home, monkeypatch):
    run = open_run("a")
    making.describe_run(MAKER, run, "a", "seen")
    with pytest.raises(AccessError, match="role make"):
        making.describe_run(LOOKER, run, "mine", "")
    assert [(act.what, act.on) for act in read_acts()] == [("describe", "a")] * 2
    assert (run.name, run.description.name, run.description.note) == ("a", None, "seen")
    page = distil(LOOKER, monkeypatch)
    assert [button.label for button in page.button if button.label in ("Clone with changes", "Keep")] == []
    assert "a" in shown(page)
    assert len(list_runs()) == 3


@pytest.mark.parametrize("name", ["efficiency", "on_device", "watch"])
def test_a_lighter_student_that_is_as_good_is_offered_where_speed_counts(home, name):
    """Students of c have half the multiply-adds, and their kept answers are those of a."""
    page = open_page(name)
    page.session_state["cxrkd"].run_id = "a"
    page.run()
    assert_healthy(page)
    assert "The student of c needs" in words(page)
    assert "by their labels" in words(page)
    next(button for button in page.button if button.label.startswith("Switch to c")).click().run()
    assert page.session_state["cxrkd"].run_id == "c"
    assert "of this one's multiply-adds" not in words(page), "there is none that is lighter"
