"""A home of its own for each test, a toy network that worker processes know too, and data that can be learned."""

import time

import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.jobs.execute import execute
from cxrkd.runs import create
from tests import toys


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Twenty patients, rendered once for all tests."""
    home = tmp_path_factory.mktemp("phantoms")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRKD_HOME", str(home))
        load_cohort(PhantomConfig(n_patients=20, image_size=toys.SIZE)).prepare()
    return home / "cache" / "phantom"


@pytest.fixture(scope="session")
def furnish(phantoms):
    """Makes an empty home that knows the rendered phantoms and the toy networks, for as long as the patch lasts."""

    def make(patch, folder):
        home = folder / "home"
        (home / "cache").mkdir(parents=True)
        (home / "cache" / "phantom").symlink_to(phantoms)
        patch.setenv("CXRKD_HOME", str(home))
        toys.everywhere(patch, folder / "site")
        return home

    return make


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, furnish):
    """The home of one test."""
    return furnish(monkeypatch, tmp_path)


@pytest.fixture(scope="session")
def config():
    """Makes the config of the smallest run."""
    return toys.tiny_config


@pytest.fixture(scope="session")
def blobs():
    return toys.corners()


@pytest.fixture
def blob_data(monkeypatch, blobs):
    """Runs executed in this process train on the blobs."""
    monkeypatch.setattr("cxrkd.runs.stages.load_cohort", lambda config, progress: blobs)


@pytest.fixture
def learned(config, blob_data):
    """A finished run on the blobs, which have 48 validation films."""
    run = create(config(seeds=(0,)))
    execute(run)
    return run


@pytest.fixture
def wait_for():
    """Wait until something is true, or fail saying what was there instead."""

    def wait(run, condition, timeout_s=180.0):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if condition(run):
                return
            time.sleep(0.05)
        log = run.path / "log.txt"
        pytest.fail(f"{run.state}\n{log.read_text() if log.exists() else 'no log'}")

    return wait
