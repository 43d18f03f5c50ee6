"""Apps that the dashboard keeps: whole or not at all, another one for other weights, not more than a few."""

import os

import pytest

from cxrkd.atomic import PART
from cxrkd.export import exported
from cxrkd.runs import open_run

FILES = {"index.html": b"<title>app</title>", "app/main.js": b"start();"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return exported.folder_of_apps()


@pytest.fixture
def run(place):
    return open_run("nih")


def test_files_lie_where_their_names_say_and_once(place, run):
    assert not exported.is_kept(run, "distilled")
    folder = exported.keep(run, "distilled", FILES)
    assert exported.is_kept(run, "distilled")
    assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == FILES
    assert exported.keep(run, "distilled", FILES) == folder
    assert [path.name for path in place.iterdir()] == [exported.key(run, "distilled")]


def test_another_network_is_another_app(run):
    exported.keep(run, "distilled", FILES)
    assert not exported.is_kept(run, "alone")


def test_what_fails_leaves_nothing(place, run):
    with pytest.raises(OSError, match=r"index\.html"):
        exported.keep(run, "distilled", {"index.html": b"", "index.html/below": b""})
    assert list(place.iterdir()) == []


def test_the_oldest_go(place, run):
    for age in range(exported.KEPT + 2):
        folder = place / f"{age:032x}"
        folder.mkdir(parents=True)
        os.utime(folder, (age, age))
    exported.keep(run, "distilled", FILES)
    names = {path.name for path in place.iterdir()}
    assert len(names) == exported.KEPT
    assert f"{0:032x}" not in names
    assert exported.key(run, "distilled") in names
    assert not any(name.startswith(PART) for name in names)
