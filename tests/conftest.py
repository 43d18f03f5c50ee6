"""What every test gets: its own home folder, one thread, fixed seeds."""

import os
import random
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from cxrkd.data import drawn
from tests import toys

pytest_plugins = ["tests.trees", "tests.installed"]  # data sets in their published form; the wheel, installed
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """Runs and caches of the tests never touch those of the user; the tests of one session share a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRKD_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _every_phantom_once():
    """Hundreds of tests draw the same few phantoms, each into a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "render", lru_cache(maxsize=2048)(drawn.render))
        patch.setattr(drawn, "_ALONE_UP_TO", 1000)  # processes of their own would know none of them
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Numbers then do not depend on the number of cores, and parallel test runs do not fight."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_thread_left_at_work():
    """Python that ends while a thread computes in torch is aborted, and the whole run would count as failed."""
    yield
    for thread in threading.enumerate():
        if thread.name == "background":  # cxrkd.dashboard.background; not imported for tests that have no dashboard
            thread.join(60)


@pytest.fixture(autouse=True)
def _fixed_seeds():
    random.seed(0)
    np.random.seed(0)
    # Not torch.manual_seed: its wrapper shares a global with the threads that a page may have left at work.
    torch.default_generator.manual_seed(0)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """An empty folder in place of that of the jobs that ship."""
    folder = tmp_path / "assets" / "runs"
    folder.mkdir(parents=True)
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", folder)
    monkeypatch.setattr("cxrkd.jobs.folders.SHIPPED", folder)
    return folder


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder that cannot be opened, not even by root."""
    folder, scan = tmp_path / "closed", os.scandir
    folder.mkdir()

    def scandir(path):
        if str(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return folder


@pytest.fixture(scope="session")
def shared_data():
    """Real radiographs in `../shared/data` beside the repository; a fresh clone has none and skips."""
    if not SHARED.is_dir():
        pytest.skip("needs real radiographs in ../shared/data beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def tiny_run():
    """A finished run made by the stages themselves: 24 patients at 32 pixels, one epoch. Read it, do not change it."""
    from cxrkd.jobs.execute import execute
    from cxrkd.runs import create

    run = create(toys.tiny_config("tiny", patients=24, arch="mobilenetv3_small_100", train={"learning_rate": 1.5e-3}))
    execute(run)
    return run
