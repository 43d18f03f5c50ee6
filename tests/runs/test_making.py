"""What it takes to make a run, and what is read for it."""

import json
from dataclasses import replace

import pytest

from cxrkd import data
from cxrkd.config import MEMBERS
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError, CxrkdError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.execute import execute
from cxrkd.jobs.queue import resume
from cxrkd.jobs.state import JobState, write_state
from cxrkd.models.network import NETWORKS
from cxrkd.runs import create, open_run, stages, submit
from tests.trees import film


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)


@pytest.fixture
def own_films(tmp_path):
    """The config of a folder with three films."""
    for seed, name in enumerate("abc"):
        film(tmp_path / "films" / f"{name}.png", seed)
    table = "image,patient,split,Mass\na.png,a,train,1\nc.png,c,val,1\nb.png,b,test,0\n"
    (tmp_path / "films" / "labels.csv").write_text(table)
    return FolderConfig(folder=tmp_path / "films", image_size=32)


@pytest.fixture
def reads(monkeypatch):
    """How often the table of a data set was read; of a run only the data are prepared."""
    counted, read = [], data._read
    monkeypatch.setattr(data, "_read", lambda *given: counted.append(1) or read(*given))
    monkeypatch.setattr(stages, "run_stages", stages.prepare_data)
    return counted


def test_the_table_is_read_once_to_queue_a_run_and_once_to_execute_it(config, own_films, reads):
    run = submit(config(data=own_films))
    assert len(reads) == 1
    execute(run)
    assert len(reads) == 2


def test_it_is_read_once_when_an_interrupted_run_goes_on(config, own_films, reads, monkeypatch):
    run = create(config(data=own_films))
    monkeypatch.setattr(stages, "run_stages", lambda run, report: stages.prepare_data(run, report) and {}["killed"])
    with pytest.raises(CxrkdError):
        execute(run)
    monkeypatch.setattr(stages, "run_stages", stages.prepare_data)
    reads.clear()
    execute(resume(open_run(run.id)))
    assert len(reads) == 1


@pytest.mark.parametrize("count", ["", "[1]", "{}", '["a", "b"]', None])
def test_a_count_of_images_that_is_lost_is_made_again(config, own_films, reads, count):
    run = create(config(data=own_films))
    path = run.path / "work" / "images.json"
    path.write_text(count) if count is not None else path.unlink()
    reads.clear()
    execute(run)
    assert run.state.status == "done"
    assert len(reads) == 2


@pytest.fixture
def finished(config, shipped):
    """A shipped run that is done."""
    made = create(config("Phantom", teacher_arch="densenet121"), shipped / "phantom")
    write_state(made.path, JobState("done", created=1.0))
    return made


def test_a_borrowed_teacher_fills_in_the_config(config, finished):
    made = create(config("Mine", teacher_from="phantom"))
    assert made.config.teacher_arch == "densenet121"
    assert made.config.teacher_train == finished.config.teacher_train


def test_a_teacher_that_saw_our_test_patients_is_refused(config, finished):
    with pytest.raises(ConfigError, match="20 patients"):
        create(config(teacher_from="phantom", data=PhantomConfig(n_patients=30, image_size=32)))
    create(config(teacher_from="phantom", data=PhantomConfig(n_patients=30, seed=1, image_size=32)))


def test_a_teacher_of_an_unfinished_run_is_refused(config):
    submit(config("Half"))
    with pytest.raises(RunError, match="finished"):
        create(config(teacher_from="half"))


def test_config_of_a_run_made_by_another_version_is_said(config):
    made = create(config())
    path = made.path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    with pytest.raises(RunError, match="colour"):
        _ = open_run(made.id).config


def test_a_run_that_has_not_started_has_no_results(config):
    made = create(config())
    assert made.members() == []
    assert made.events() == []
    assert made.log_tail() == []
    for member in MEMBERS:
        with pytest.raises(RunError, match="no weights"):
            made.load_model(member)
    for read in (made.metrics, made.environment, lambda: made.labels):
        with pytest.raises(RunError, match="incomplete"):
            read()


REFUSED = {
    "no such folder": {"data": FolderConfig(folder="/no/such/folder", image_size=32)},
    "an unknown network": {"student_arch": "no_such"},
    "a size the network does not take": {"data": PhantomConfig(n_patients=20, image_size=33), "student_arch": "picky"},
    "weights that there are none of": {"student_weights": "imagenet"},
    "a teacher that is not there": {"teacher_from": "nobody"},
    "a start that is not there": {"student_from": "nobody"},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("ask", [create, submit])
def test_what_is_refused_leaves_no_folder(config, home, settings, ask):
    NETWORKS.register(replace(NETWORKS["toy"], name="picky", multiple=32))
    with pytest.raises(CxrkdError):
        ask(config(**settings))
    assert list(home.glob("runs/*")) == []
    assert [path for path in home.glob("runs/.*") if path.is_dir()] == []


def test_a_run_whose_network_is_not_here_is_not_queued(config):
    made = create(config())
    path = made.path / "config.json"
    path.write_text(path.read_text().replace('"student_arch": "toy"', '"student_arch": "no_such"'))
    with pytest.raises(ConfigError, match="Unknown network 'no_such'"):
        resume(open_run(made.id))
    assert queue.oldest_queued() is None


def test_a_run_keeps_the_name_it_was_given(config):
    made = create(config("../../Ünï 図 3"))
    assert (made.id, made.name) == ("n-3", "../../Ünï 図 3")
