"""On which films a run can be looked at, and what is said of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.labels import CHESTXRAY14
from cxrkd.runs.sample_films import about_patient, about_shipped, films_of, unseen


def run_on(data, labels=CHESTXRAY14):
    return SimpleNamespace(config=SimpleNamespace(data=data), labels=labels)


@pytest.fixture(scope="module")
def films():
    return load_cohort(SamplesConfig(image_size=64))


def test_a_runs_own_films_come_first_where_they_may_be_shown(tmp_path):
    here = ChestXray14Config(folder=tmp_path, image_size=128)
    assert films_of(run_on(here)) == here
    assert films_of(run_on(here), may_show=lambda data: False) == SamplesConfig(image_size=128)
    assert films_of(run_on(PhantomConfig())) == PhantomConfig()


def test_films_that_ship_stand_in_for_films_of_their_source_and_findings_alone(tmp_path):
    gone = {"folder": tmp_path / "none", "image_size": 96}
    for kind in (ChestXray14Config, ChestMnistConfig):
        assert films_of(run_on(kind(**gone))) == SamplesConfig(image_size=96)
    assert films_of(run_on(CheXpertConfig(**gone))) is None
    assert films_of(run_on(ChestXray14Config(**gone), labels=CHESTXRAY14[:3])) is None


def test_only_a_runs_own_test_patients_are_said_to_be_unseen(films):
    everybody, two = films.patients, np.append(films.patients[:2], "1")
    assert unseen(films, everybody).all()
    assert unseen(films, two).tolist() == [True, True] + 22 * [False]
    assert about_shipped(films, everybody).endswith(
        "five radiologists. This run was trained on none of these patients."
    )
    assert "on none of 2 of these patients; of the other 22 that is not known." in about_shipped(films, two)
    assert about_shipped(films, two[-1:]).endswith("whether on any of these patients is not known.")
    said = [about_patient(films, films.ids[row], two) for row in (0, 5)]
    assert said[0] == "This run was not trained on this patient."
    assert said[1].endswith("whether on this patient is not known.")
