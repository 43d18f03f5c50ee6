"""What it takes to make a run, and what is read for it."""

import pytest

from cxrkd.config import FolderConfig
from cxrkd.data import readers
from cxrkd.errors import CxrkdError
from cxrkd.jobs.execute import execute
from cxrkd.jobs.queue import resume
from cxrkd.runs import create, open_run, stages, submit
from tests.trees import film


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
    counted, read = [], readers._read
    monkeypatch.setattr(readers, "_read", lambda *given: counted.append(1) or read(*given))
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
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
