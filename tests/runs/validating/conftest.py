"""Two hospitals of tiny films: one that a run was made from, another that it is measured on."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.jobs.execute import execute
from cxrkd.runs.run import open_run
from cxrkd.runs.seen import keep_seen
from cxrkd.runs.validating.making import create_validation, validation_config
from tests import toys
from tests.trees import film, write_csv

FINDINGS = ("Effusion", "Mass")


@dataclass
class Hospital:
    """A folder of films, and the rows of its table."""

    folder: Path
    rows: list = field(default_factory=list)

    def add(self, name, patient, split, seed, **labels):
        film(self.folder / name, seed)
        self.rows.append({"image": name, "patient": patient, "split": split, **labels})
        return self.folder / name

    def write(self, table="labels.csv", rows=None):
        rows = self.rows if rows is None else rows
        header = list(dict.fromkeys(key for row in rows for key in row))
        write_csv(self.folder / table, header, [[row.get(key, "") for key in header] for row in rows])
        return FolderConfig(folder=self.folder, table=table, image_size=toys.SIZE)


def truth(i):
    return {"Effusion": i % 2, "Mass": i // 2 % 2}


def fill(folder, first_patient, parts, seed):
    """A hospital of one film a patient."""
    hospital = Hospital(folder)
    for i, split in enumerate(split for split, n in parts.items() for _ in range(n)):
        hospital.add(f"images/{first_patient + i:08d}.png", first_patient + i, split, seed + i, **truth(i))
    return hospital


@pytest.fixture(scope="session")
def made(furnish, tmp_path_factory):
    """The hospital of the run and its home: ten patients to train on, thirty each to choose and to measure on."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        home = furnish(patch, folder)
        hospital = fill(folder / "first", 1, {"train": 10, "val": 30, "test": 30}, 0)
        config = toys.tiny_config("Measured", data=hospital.write(), arch="plain_toy", seeds=(4, 2, 3))
        run = toys.finished_run(config, skill=toys.SKILL | {"trivial": 0.5})
        keep_seen(run, load_cohort(config.data))
    return hospital, home


@pytest.fixture
def first(made):
    """The hospital that the run was made from."""
    return made[0]


@pytest.fixture
def run(made, home):
    """The run, in the home of this test."""
    shutil.copytree(made[1] / "runs", home / "runs")
    return open_run("measured")


@pytest.fixture
def second(tmp_path):
    """Another hospital: forty other patients, all to test on, with a finding that the run does not know."""
    hospital = fill(tmp_path / "second", 5001, {"test": 40}, 1000)
    for i, row in enumerate(hospital.rows):
        row["mass"] = row.pop("Mass")  # spelt otherwise
        row["Abnormal"] = i % 3 == 0
    return hospital


@pytest.fixture
def ask(run):
    """Make and execute a validation of the run."""

    def measure(data, **how):
        validation = create_validation(validation_config(run, data, **how))
        execute(validation)
        return validation

    return measure


@pytest.fixture
def no_network(monkeypatch):
    """Whoever asks a network fails."""
    monkeypatch.setattr("cxrkd.runs.run.Run.load_model", lambda self, member: pytest.fail(f"{member} was asked"))


def logits_of(run, member, folder, rows):
    """What a network answers about films, from their files, without any of our batches."""
    import torch

    from cxrkd.data.decode import decode

    films = np.stack([decode(folder / row["image"], toys.SIZE) for row in rows])
    with torch.inference_mode():
        return run.load_model(member)(torch.from_numpy(films[:, None].astype(np.float32) / 255)).numpy()
