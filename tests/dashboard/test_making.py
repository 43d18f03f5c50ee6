"""What a visitor of Distil can make, and that pages show nothing of files that are not theirs to show."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd import data
from cxrkd.access.folders import NOT_BELOW, NOT_OPEN, UNREADABLE, allowed_roots
from cxrkd.access.record import read_acts
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.config import RunConfig, TrainConfig
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.access import ON_COMMAND_LINE
from cxrkd.dashboard.caching import ahead, cohorts
from cxrkd.dashboard.distill import making
from cxrkd.dashboard.distill.presets import PRESETS
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import AccessError, ConfigError, DataError, RunError
from cxrkd.jobs.asked import ASKED, mark_page
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import SHIPPED
from cxrkd.jobs.state import JobState, write_state
from cxrkd.runs import create, list_runs
from tests.dashboard.test_pages import GUESSED, at_once
from tests.trees import film

SECRET = "verysecretkey"
QUICK = PRESETS["Quick look"].key
LOOKER, MAKER = Person("look", "aaaaaa", "10.0.0.7"), Person("make", "bbbbbb", "10.0.0.8")
SMALL = TrainConfig(epochs=1, warm_epochs=0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, an allowed folder beside it whose table is no table, and no worker."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CXRKD_DATA", str(tmp_path / "allowed"))
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", routes.SITE / "no-such-folder")
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: at_once(lambda: GUESSED))
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "labels.csv").write_text(f"{SECRET},x\n{SECRET},1\n")
    return tmp_path / "home"


def config(**changes):
    small = {"name": "x", "data": PhantomConfig(n_patients=20, image_size=32)}
    return RunConfig(**(small | changes), teacher_train=SMALL, student_train=SMALL)


def own_data(home, **changes):
    return FolderConfig(folder=home.parent / "allowed", **changes)


def made_of_own_data(home, **changes):
    """A run that was asked for when the table was a table; by now it is none."""
    table = home.parent / "allowed" / "labels.csv"
    secret = table.read_text()
    for name in "abc":
        film(table.with_name(f"{name}.png"))
    table.write_text("image,patient,split,Mass\na.png,a,train,1\nc.png,c,val,1\nb.png,b,test,0\n")
    run = create(config(data=own_data(home), **changes))
    table.write_text(secret)
    return run


def distil(person, monkeypatch):
    monkeypatch.setattr(access, "current", lambda: person)
    page = AppTest.from_file(Path(routes.BY_NAME["distill"].path), default_timeout=60).run()
    assert not page.exception
    return page


def shown(page):
    kinds = ("markdown", "caption", "error", "info", "code", "expander")
    return "\n".join(str(one.proto) for kind in kinds for one in page.get(kind))


@pytest.mark.parametrize(
    ("folder", "table", "sentence"),
    [
        ("/etc", "passwd", NOT_OPEN),
        ("/proc/self", "environ", NOT_OPEN),
        ("~root", "labels.csv", NOT_OPEN),
        ("{allowed}", "/etc/passwd", NOT_BELOW),
        ("{allowed}", "labels.csv", UNREADABLE),
    ],
)
def test_the_form_prints_nothing_of_a_file_that_it_is_led_to(home, monkeypatch, folder, table, sentence):
    page = distil(MAKER, monkeypatch)
    page.selectbox(key="data_kind").select("folder").run()
    page.text_input(key=f"new_{QUICK}_folder_folder").input(folder.format(allowed=home.parent / "allowed"))
    page.text_input(key=f"new_{QUICK}_folder_table").input(table)
    next(button for button in page.button if button.label == "Distil").click().run()
    assert not page.exception
    assert [error.value.replace("\\", "") for error in page.error] == [sentence]
    assert list_runs() == []
    assert SECRET not in shown(page)
    assert "root:" not in shown(page)


def test_who_came_to_look_sees_runs_and_no_way_to_make_one(home, monkeypatch):
    create(config(name="mine"))
    page = distil(LOOKER, monkeypatch)
    assert [button.label for button in page.button] == []
    assert len(page.text_input) == len(page.selectbox) == 0
    assert "mine" in shown(page)
    assert "may look" in shown(page)
    assert "Log" not in shown(page)
    assert {"Cancel", "Delete for good"} & {button.label for button in distil(MAKER, monkeypatch).button}


def test_who_came_to_look_makes_nothing_by_any_way(home):
    run = create(config())
    for what in making.ACTS:
        with pytest.raises(AccessError, match="role make"):
            making.act(LOOKER, what, run)
    with pytest.raises(AccessError, match="role make"):
        making.queue_run(LOOKER, config())
    assert [one.id for one in list_runs()] == ["x"]
    assert {act.role for act in read_acts()} == {"look"}
    assert all("role make" in act.outcome for act in read_acts())


def test_what_is_made_is_recorded(home):
    run = making.queue_run(MAKER, config())
    for what in ("cancel", "resume", "cancel", "delete"):
        making.act(MAKER, what, run)
    acts = read_acts()
    assert [act.what for act in acts] == ["queue", "cancel", "resume", "cancel", "delete"]
    assert {(act.mark, act.address, act.on, act.outcome) for act in acts} == {("bbbbbb", "10.0.0.8", "x", "done")}
    assert list_runs() == []


def test_the_table_is_read_once_for_a_run_that_a_page_asks_for(home, monkeypatch):
    made_of_own_data(home, name="before")
    table = "image,patient,split,Mass\na.png,a,train,1\nc.png,c,val,1\nb.png,b,test,0\n"
    (home.parent / "allowed" / "labels.csv").write_text(table)
    counted, read = [], data._read
    monkeypatch.setattr(data, "_read", lambda *given: counted.append(1) or read(*given))
    making.queue_run(MAKER, config(data=own_data(home)))
    assert len(counted) == 1


def test_the_queue_of_pages_is_bounded(home, monkeypatch):
    monkeypatch.setenv("CXRKD_MAX_QUEUED", "1")
    waiting = making.queue_run(MAKER, config())
    with pytest.raises(AccessError, match="at most 1"):
        making.queue_run(MAKER, config(name="second"))
    stopped = create(config(name="stopped"))
    with pytest.raises(AccessError, match="at most 1"):
        making.act(MAKER, "resume", stopped)
    assert [run.id for run in list_runs() if run.state.active] == [waiting.id]


def test_a_run_that_cannot_be_marked_as_a_pages_is_not_left_behind(home, monkeypatch):
    def full(run, roots):
        raise RunError("no space")

    monkeypatch.setattr(making, "mark_page", full)
    with pytest.raises(RunError, match="no space"):
        making.queue_run(MAKER, config())
    assert list_runs() == []


@pytest.mark.parametrize("source", ["/etc", "../home/runs/x", "x/../x", "absent", ""])
@pytest.mark.parametrize("field", ["teacher_from", "student_from"])
def test_a_run_starts_from_runs_and_from_no_path(home, field, source):
    create(config())
    with pytest.raises(AccessError, match="finished run of this machine"):
        making.queue_run(MAKER, config(**{field: source}))


@pytest.mark.parametrize("ask", [making.refuse_start, lambda asked: making.queue_run(MAKER, asked)])
def test_a_refusal_does_not_name_the_folder_of_anothers_data(home, ask):
    other = made_of_own_data(home, name="other")
    write_state(other.path, JobState("done", created=1.0))
    told = json.loads((other.path / "config.json").read_text())
    told["data"] |= {"folder": "/mnt/ward-7/films", "seed": 7}
    (other.path / "config.json").write_text(json.dumps(told))
    with pytest.raises(ConfigError, match="another split of the same patients") as found:
        ask(config(data=own_data(home), teacher_from="other"))
    assert "ward-7" not in str(found.value)


def test_a_queued_run_that_fails_in_the_worker_quotes_nothing(home):
    run = made_of_own_data(home, name="page")
    mark_page(run, allowed_roots())
    with pytest.raises(DataError):
        execute(run)
    assert run.state.status == "failed"
    assert access.message(run) == run.state.message == UNREADABLE
    assert SECRET not in "".join(path.read_text() for path in run.path.rglob("*") if path.is_file())


def test_pages_do_not_say_what_the_command_lines_runs_read(home, monkeypatch):
    run = made_of_own_data(home, name="line")
    with pytest.raises(DataError, match=SECRET):
        execute(run)
    assert SECRET in run.state.message  # the operator's own, and in full
    assert access.message(run) == ON_COMMAND_LINE.format(id="line")
    for person in (LOOKER, MAKER, THIS_MACHINE):
        assert SECRET not in shown(distil(person, monkeypatch))


def test_a_run_whose_marks_are_damaged_reads_nothing(home):
    run = made_of_own_data(home)
    for text in ("[]", "{}", '{"roots": 1}', '{"roots": [1]}', "{"):
        (run.path / ASKED).write_text(text)
        with pytest.raises(Exception, match=ASKED):
            execute(run)


def test_images_outside_the_allowed_folders_are_shown_on_no_page(home, monkeypatch):
    outside = home.parent / "outside"
    film(outside / "0.png")
    (outside / "labels.csv").write_text("image,patient,split,Mass\n0.png,a,train,1\n")
    config = FolderConfig(folder=outside)
    assert not access.images_here(config)
    with pytest.raises(AccessError, match="not one that pages may read"):
        cohorts.table(config)
    monkeypatch.setenv("CXRKD_DATA", str(outside))
    assert access.images_here(config)


def test_what_ships_needs_no_folder():
    assert SHIPPED.is_dir()
    assert access.images_here(PhantomConfig())
