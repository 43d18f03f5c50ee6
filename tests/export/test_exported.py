"""Apps that the dashboard keeps: made once, whole or not at all, another one for other weights."""

import os

import pytest

from cxrkd.atomic import PART
from cxrkd.export import exported
from cxrkd.export.targets import web
from cxrkd.runs import open_run


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return exported.folder_of_apps()


@pytest.fixture
def written(monkeypatch):
    """Counts networks written; a small file stands in for each."""
    models = []

    def write(model, folder):
        models.append(model)
        (folder / web.NETWORK).write_bytes(b"network")

    monkeypatch.setattr(web, "write", write)
    return models


def test_an_app_is_made_once(place, written):
    run = open_run("nih")
    assert exported.made(run, "distilled") is None
    folder = exported.make(run, "distilled")
    assert {path.name for path in folder.iterdir()} == {web.NETWORK, "run.json", "files.js"}
    assert exported.make(run, "distilled") == exported.made(run, "distilled") == folder
    assert len(written) == 1


def test_another_network_is_another_app(place, written):
    run = open_run("nih")
    assert exported.key(run, "distilled") != exported.key(run, "alone")


def test_what_fails_leaves_nothing(place, monkeypatch):
    def fail(model, folder):
        (folder / "half").write_text("half")
        raise OSError("full")

    monkeypatch.setattr(web, "write", fail)
    with pytest.raises(OSError, match="full"):
        exported.make(open_run("nih"), "distilled")
    assert list(place.iterdir()) == []


def test_the_oldest_go(place, written):
    for age in range(exported.KEPT + 2):
        folder = place / f"{age:032x}"
        folder.mkdir(parents=True)
        os.utime(folder, (age, age))
    exported.make(open_run("nih"), "distilled")
    kept = {path.name for path in place.iterdir()}
    assert len(kept) == exported.KEPT
    assert f"{0:032x}" not in kept
    assert exported.key(open_run("nih"), "distilled") in kept
    assert not any(name.startswith(PART) for name in kept)
