"""A home of its own for each test, and a kind of job that worker processes know too."""

import importlib
import sys
import time
from pathlib import Path

import pytest

import cxrkd.jobs.kinds
from cxrkd.jobs import launch, queue
from cxrkd.jobs.job import KINDS, job_in

HERE = str(Path(__file__).parent / "kinds")
collect_ignore = [HERE]  # collecting would import it, and so register it for good

# In every worker process: the folder of kinds is two folders, as if the toy stood among ours.
SITE = f"""
import importlib.util, sys


class WhenKindsAreImported:
    def find_spec(self, name, path, target=None):
        if name != "cxrkd.jobs.kinds":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        spec.submodule_search_locations.append({HERE!r})
        return spec


sys.meta_path.insert(0, WhenKindsAreImported())
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The home of one test, for this process and for those that it starts."""
    site, folder = tmp_path / "site", tmp_path / "home"
    site.mkdir()
    folder.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("CXRKD_HOME", str(folder))
    return folder


@pytest.fixture
def counting(monkeypatch):
    """Makes a job of the kind "counting", which this process knows during the test."""
    with KINDS.adding():
        monkeypatch.setattr(cxrkd.jobs.kinds, "__path__", [*cxrkd.jobs.kinds.__path__, HERE])
        importlib.import_module("cxrkd.jobs.kinds.counting")

        def make(upto=1, name="Some", folder=None):
            return job_in(queue.create("counting", name, {"upto.json": upto}, folder))

        yield make
    sys.modules.pop("cxrkd.jobs.kinds.counting")


@pytest.fixture(autouse=True)
def no_worker_stays_behind():
    yield
    for child in launch._started:
        child.terminate()  # its keeper ends the worker
        child.wait()
    launch._started.clear()


@pytest.fixture
def wait_for():
    """Wait until something is true of a job, or fail saying what was there instead."""

    def wait(job, condition, timeout_s=60.0):
        deadline = time.monotonic() + timeout_s
        while not condition(job):
            if time.monotonic() > deadline:
                pytest.fail(f"{job.state}\n{job.log_tail()}")
            time.sleep(0.02)

    return wait
