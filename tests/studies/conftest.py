"""A home of toys, and a study of 2 teachers x 1 student x 2 objectives."""

import pytest

from cxrkd.studies.config import StudyConfig
from tests import toys

DATA = {"kind": "phantom", "n_patients": 20, "image_size": toys.SIZE}
TRAIN = {"epochs": 1, "warm_epochs": 0, "batch_size": 16, "learning_rate": 0.02}


@pytest.fixture(scope="session")
def furnish():
    """Makes an empty home that knows the toy networks, whose runs learn from blobs of enough patients to measure."""
    blobs = toys.corners()

    def make(patch, folder):
        home = folder / "home"
        home.mkdir(parents=True)
        patch.setenv("CXRKD_HOME", str(home))
        toys.everywhere(patch, folder / "site")
        for module in ("cxrkd.runs.stages", "cxrkd.data"):
            patch.setattr(f"{module}.load_cohort", lambda config, progress=None: blobs)
        patch.setattr("cxrkd.runs.stages.keep_reference", lambda *args: 0)  # seconds, and nothing here asks for it
        return home

    return make


@pytest.fixture
def home(tmp_path, monkeypatch, furnish):
    """The home of one test."""
    return furnish(monkeypatch, tmp_path)


def settings(**changes):
    """The toy study as a file says it. Both objectives learn the same from labels, so that one student alone serves."""
    return {
        "name": "toys",
        "base": {"data": DATA, "teacher_train": TRAIN, "student_train": TRAIN},
        "teachers": ["toy", "plain_toy"],
        "students": ["toy"],
        "objectives": ["bkd", {"name": "bkd", "temperature": 4.0}],
        "seeds": [0, 1, 2],
        "films": 0,
        **changes,
    }


def asked(**changes):
    return StudyConfig.model_validate(settings(**changes))
