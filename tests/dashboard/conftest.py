"""Homes with a finished run, which was not trained, and with none."""

import pytest

from cxrkd.access.roles import THIS_MACHINE
from cxrkd.dashboard import access, routes
from tests import toys


def make_run(name="made", *, patients=1200):
    """A run of networks that the pages really offer, in the current home, in two seconds."""
    archs = {"teacher_arch": "mobilenetv3_large_100", "student_arch": "eeea_net_c2"}
    train = {"epochs": 3}
    return toys.finished_run(toys.tiny_config(name, patients=patients, size=64, train=train, seeds=(0, 1), **archs))


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """An empty home without what ships, looked at from this machine, and no worker."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", routes.SITE / "no-such-folder")
    monkeypatch.setattr(access, "current", lambda: THIS_MACHINE)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def home_with_run(tmp_path_factory):
    """A home that holds one finished run called "made"."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("with-run")
        patch.setenv("CXRKD_HOME", str(home))
        make_run()
    return home
