"""What ships: figures follow from predictions, predictions from weights, and no file names the machine it came from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrkd.checksums import LIST, check
from cxrkd.cli.evaluate import equals_stored
from cxrkd.data import load_cohort
from cxrkd.data.decode import decode
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.errors import RunError
from cxrkd.jobs.job import SHIPPED, kind_of, list_jobs, open_job
from cxrkd.models.weights import load_weights
from cxrkd.places import ASSETS, SAMPLES
from cxrkd.runs import open_run
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.choosing import choose_run, finished_runs
from cxrkd.runs.metrics import same_figures
from cxrkd.runs.stressing.job import StressJob
from cxrkd.runs.validating.readers import judged_by_radiologists
from cxrkd.runs.validating.validation import Validation
from cxrkd.studies.figures import StudyFigures
from cxrkd.studies.study import KIND, list_studies
from cxrkd.train.predict import predict_logits
from tests.shipped import JOBS, REAL, RUNS

NIH = Path(__file__).resolve().parents[3] / "shared" / "data" / "nih_1024"


@pytest.mark.parametrize("name", RUNS)
def test_figures_follow_from_the_predictions(name):
    run = open_run(name)
    assert equals_stored(run, run.measure())
    assert run.members() == ["teacher", "alone", "distilled"]
    assert len(run.config.seeds) >= 3


@pytest.mark.parametrize("name", RUNS)
def test_its_settings_can_be_asked_for_again(name):
    open_run(name).require_current()


@pytest.mark.parametrize("name", JOBS)
def test_no_path_of_another_machine(name):
    for file in (SHIPPED / name).rglob("*"):
        if file.suffix in (".json", ".jsonl", ".txt", ".csv"):
            words = file.read_text(encoding="utf-8").replace('"', " ").split()
            assert not [word for word in words if word.startswith("/")], file


STUDIES = [name for name in JOBS if kind_of(SHIPPED / name) == KIND]


@pytest.mark.parametrize("name", STUDIES)
def test_what_a_study_claims_follows_from_its_rows(name):
    study = open_job(name)
    kept = study.figures()
    assert study.state.status == "done"
    assert StudyFigures.of(kept.cells, kept.others, phantoms=kept.phantoms).to_dict() == kept.to_dict()
    assert [cell.title for cell in kept.cells] == [cell.title for cell in study.cells]
    assert not [cell.problem for cell in kept.cells if cell.problem]
    assert len(study.config.seeds) >= 3


def test_the_study_of_teachers_and_objectives_is_the_first_to_be_seen():
    assert next(study.id for study in list_studies() if study.shipped) == "phantom_study"


@pytest.mark.parametrize("name", [name for name in JOBS if name not in (*RUNS, *STUDIES)])
def test_what_was_measured_beside_a_run_follows_from_its_answers(name):
    job = open_job(name)
    assert isinstance(job, Validation | StressJob | AuditJob)
    assert job.state.status == "done"
    assert job.run().id in REAL
    kept = job.figures() if isinstance(job, AuditJob) else job.metrics()
    again, stored = (json.loads(json.dumps(one.to_dict())) for one in (job.measure(), kept))
    assert same_figures(again, stored)


@pytest.mark.parametrize("name", REAL)
def test_radiologists_and_scanners_were_asked_about_every_real_run(name):
    assert judged_by_radiologists(open_run(name)).facts().answered_by == "kept"
    assert [job for job in list_jobs() if isinstance(job, StressJob) and job.shipped and job.run().id == name]


CHECKED = {".safetensors", ".npz", ".csv", ".png"}


def test_every_shipped_weight_and_prediction_is_listed_and_holds():
    files = [
        path
        for path in (ASSETS / "gate.safetensors", *SAMPLES.iterdir(), *SHIPPED.rglob("*"))
        if path.suffix in CHECKED
    ]
    assert len(files) > 30
    for path in files:
        assert check(path) is True, path


def test_no_list_names_a_file_that_is_not_there():
    for listing in ASSETS.rglob(LIST):
        for line in listing.read_text(encoding="utf-8").splitlines():
            assert check(listing.parent / line.split("  ", 1)[1]) is True, line


def test_a_shipped_student_with_one_flipped_bit_is_refused(tmp_path):
    """Also with the metadata of a file that never had a checksum: the list knows better."""
    run = SHIPPED / "phantom"
    path = tmp_path / "phantom" / "models" / "distilled.safetensors"
    path.parent.mkdir(parents=True)
    shutil.copyfile(run / LIST, tmp_path / "phantom" / LIST)
    content = bytearray((run / "models" / path.name).read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"phantom/models/distilled\.safetensors is damaged"):
        load_weights(path)


def test_real_weights_weigh_less_than_46_mb():
    files = [file for name in REAL for file in (SHIPPED / name).glob("models/*.safetensors")]
    assert not [file for file in files if file.is_symlink()], "a wheel has no links: it would carry the file twice"
    assert 0 < sum(file.stat().st_size for file in files) <= 66e6


def test_a_newcomer_sees_a_run_on_patients_and_it_answers_uploads():
    assert choose_run().id in REAL
    assert choose_run(for_films=True).id == choose_run().id
    assert [run.id for run in finished_runs() if run.shipped][-1] == "phantom"


@pytest.mark.skipif(not NIH.is_dir(), reason="needs the radiographs in ../shared/data/nih_1024")
@pytest.mark.parametrize("member", ["teacher", "alone", "distilled"])
@pytest.mark.parametrize("name", REAL)
def test_predictions_follow_from_the_weights(name, member):
    """Films decoded from the published tree get the logits that are stored."""
    run = open_run(name)
    said, table = run.predictions(member), load_cohort(ChestXray14Config(folder=NIH))
    rows = [0, 240, 480, 719]
    at = {str(name): index for index, name in enumerate(table.ids)}
    films = np.stack([decode(table.pixels.sources[at[said.ids[row]]], 224) for row in rows])
    assert np.allclose(predict_logits(run.load_model(member), films), said.logits[0, rows], atol=1e-3)


def test_each_file_of_the_predictions_is_read_once_to_measure_a_run(monkeypatch):
    run, parsed, loaded = open_run("nih"), [], []
    read_csv, load = pd.read_csv, np.load
    monkeypatch.setattr(pd, "read_csv", lambda *args, **told: parsed.append(1) or read_csv(*args, **told))
    monkeypatch.setattr(np, "load", lambda path, **told: loaded.append(path.name) or load(path, **told))
    run.held_out()
    assert len(parsed) == 1
    assert sorted(loaded) == sorted(path.name for path in (run.path / "predictions").glob("*.npz"))
