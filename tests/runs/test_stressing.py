"""A stress test of a run: made, done, stopped and gone on with, read back, and refused where it does not belong."""

import shutil

import numpy as np
import pandas as pd
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.errors import DataError, RunError
from cxrkd.evaluate.stress import StressMetrics
from cxrkd.images.stress import BY_NAME, STRESSES
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import read_json, write_json
from cxrkd.jobs.job import KINDS, open_job
from cxrkd.runs import list_runs
from cxrkd.runs.beside import FIGURES, FilmsAsked, asked_about, asked_before, create_beside, finished, newest
from cxrkd.runs.stressing import stages as stressing
from cxrkd.runs.stressing.job import CLEAN, FILMS, StressJob
from cxrkd.train.predict import predict_logits
from tests import toys

NAMES = [CLEAN, *(stress.name for stress in STRESSES)]


def made(run, data=None):
    return create_beside(StressJob, run, FilmsAsked(**asked_about(run, data)))


@pytest.fixture
def run():
    return toys.finished_run(toys.tiny_config("small"))


@pytest.fixture
def done(run):
    job = made(run)
    execute(job)
    return job


def stages(job):
    return [event["stage"] for event in job.events() if event["kind"] == "stage"]


def test_every_network_is_asked_about_every_degraded_film(run, done):
    assert (done.id, done.state.status, stages(done)) == ("small-stress", "done", ["films", *NAMES, "figures"])
    cohort = load_cohort(run.config.data)
    rows = cohort.rows("test")
    films = done.films()
    np.testing.assert_array_equal(films["ids"], cohort.ids[rows])
    np.testing.assert_array_equal(films["targets"], cohort.targets[rows])
    for name in (CLEAN, "noise_high"):
        images = cohort.images[rows] if name == CLEAN else BY_NAME[name](cohort.images[rows], rows)
        for member, logits in done.logits(name).items():
            np.testing.assert_allclose(logits, predict_logits(run.load_model(member), images), atol=1e-5)
    assert list(done.logits(CLEAN)) == ["teacher", "alone", "distilled"]


def test_figures_follow_from_the_logits_and_are_of_the_weights(run, done):
    found = done.metrics()
    assert isinstance(found, StressMetrics)
    assert found.stresses == tuple(BY_NAME)
    assert found.to_dict() == done.measure().to_dict()
    assert (newest(StressJob, run), done.films_title) == (done, "test films of the run")
    shutil.copy(run.weights_path("teacher"), run.weights_path("alone"))
    assert newest(StressJob, run) is None, "figures of other weights"


def test_a_test_is_no_run_and_is_listed_with_its_kind(run, done):
    assert done not in list_runs()
    assert isinstance(open_job(done.id), StressJob)
    assert done.kind is KINDS["stress"]


def test_it_goes_on_with_the_degradation_it_was_stopped_in(run, monkeypatch):
    job, asked = made(run), []
    ask = stressing.ask_degraded

    def stop(models, images, rows, degrade, progress):
        asked.append(degrade)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return ask(models, images, rows, degrade, progress)

    monkeypatch.setattr(stressing, "ask_degraded", stop)
    with pytest.raises(KeyboardInterrupt):
        execute(job)
    assert (job.state.status, newest(StressJob, run)) == ("interrupted", None)
    assert asked_before(StressJob, FilmsAsked(**asked_about(run))) == job
    first = job.logits_path(CLEAN).stat().st_mtime_ns
    monkeypatch.setattr(stressing, "ask_degraded", ask)
    execute(job)
    assert stages(job)[4:] == ["films", *NAMES[2:], "figures"]
    assert job.logits_path(CLEAN).stat().st_mtime_ns == first
    assert finished(StressJob, run) == [job]


def test_batches_change_nothing(run, done, monkeypatch):
    monkeypatch.setattr(stressing, "BATCH", 1)
    again = made(run)
    execute(again)
    for name in ("noise_low", "jpeg50"):
        for member, logits in again.logits(name).items():
            np.testing.assert_allclose(logits, done.logits(name)[member], atol=1e-5)
    assert finished(StressJob, run) == [again, done]


def test_films_of_another_data_set_with_some_of_the_findings(run, tmp_path):
    import cv2

    rng = np.random.default_rng(0)
    rows = [
        {"image": f"{n}.png", "patient": n, "split": "test", "Flu": 1, "pleural thickening": n % 2} for n in range(8)
    ]
    for row in rows:
        cv2.imwrite(str(tmp_path / row["image"]), rng.integers(0, 255, (40, 40), np.uint8))
    pd.DataFrame(rows).to_csv(tmp_path / "labels.csv", index=False)
    job = made(run, FolderConfig(folder=tmp_path, image_size=32))
    execute(job)
    assert job.films_title == f"folder, {tmp_path.name}, seed 0, 32 px", "where it lies is nobody's business"
    films = job.films()
    known = run.labels.index("Pleural_Thickening")
    np.testing.assert_array_equal(films["targets"][:, known], np.arange(8) % 2)
    assert np.isnan(np.delete(films["targets"], known, axis=1)).all()
    assert "folder" in job.films_title
    (tmp_path / "labels.csv").write_text("image,patient,split,Flu\n0.png,0,test,1\n")
    with pytest.raises(DataError, match="has no finding in common with the run"):
        execute(made(run, FolderConfig(folder=tmp_path, image_size=32)))


@pytest.mark.parametrize("file", [FILMS, "logits/blur.npz", FIGURES, "stress.json"])
def test_what_is_damaged_is_named(done, file):
    whole = (done.path / file).read_bytes()
    (done.path / file).write_bytes(whole[: len(whole) // 2])
    job = open_job(done.id)
    with pytest.raises(RunError, match=file.rpartition("/")[2]):
        _ = job.metrics() if file == FIGURES else job.config if file == "stress.json" else job.measure()


def test_figures_that_lack_something_are_refused(done):
    stored = read_json(done.path / FIGURES)
    write_json(done.path / FIGURES, {key: value for key, value in stored.items() if key != "clean"})
    with pytest.raises(RunError, match="clean is missing"):
        done.metrics()


def test_a_run_without_networks_or_films_has_no_test(run, home, tmp_path):
    away = FolderConfig(folder=tmp_path / "gone", image_size=32)
    gone = run.config.model_copy(update={"data": away})
    write_json(run.path / "config.json", {"version": 1, **gone.model_dump(mode="json")})
    moved = list_runs()[-1]
    with pytest.raises(DataError, match="--folder DIR"):
        made(moved)
    shutil.rmtree(run.path / "models")
    with pytest.raises(RunError, match="no networks to ask"):
        made(moved)
    assert not list(home.glob("runs/*stress*"))
