"""Apps that the dashboard keeps: whole or not at all, another one for other weights, not more than a few."""

import os
from pathlib import Path

import pytest

from cxrkd.atomic import PART
from cxrkd.export import exported
from cxrkd.jobs.folders import DELETED, making
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


@pytest.fixture
def anew():
    """What the app is made of is read once a process."""
    exported._app_digest.cache_clear()
    yield
    exported._app_digest.cache_clear()


def test_another_gate_is_another_app(run, anew, monkeypatch, tmp_path):
    keys = [exported.key(run, "distilled")]
    (tmp_path / "other").write_bytes(b"fitted again")
    for what, value in (("images.gate.THRESHOLD", 0.6), ("export.exported.COEFFICIENTS", tmp_path / "other")):
        monkeypatch.setattr(f"cxrkd.{what}", value)
        exported._app_digest.cache_clear()
        keys.append(exported.key(run, "distilled"))
    assert len(set(keys)) == 3


def test_what_fails_leaves_nothing(place, run):
    with pytest.raises(OSError, match=r"index\.html"):
        exported.keep(run, "distilled", {"index.html": b"", "index.html/below": b""})
    assert list(place.iterdir()) == []


def test_the_oldest_go(place, run):
    for age in range(exported.KEPT + 2):
        folder = place / f"{age:032x}"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("old")
        os.utime(folder, (age, age))
    exported.keep(run, "distilled", FILES)
    names = {path.name for path in place.iterdir()}
    assert len(names) == exported.KEPT
    assert f"{0:032x}" not in names
    assert exported.key(run, "distilled") in names
    assert not any(name.startswith(PART) for name in names)


def test_what_killed_processes_left_goes_with_the_next_app(place, run):
    """A folder that its maker, who is dead, did not finish, and one whose removal was cut off."""
    with making(place) as part:
        dead = place / part.name.replace(f"_{os.getpid()}_", "_4194305_")  # beyond the largest process id
        living = place / part.name.replace(part.name[-8:], "ffffffff")
        for folder in (dead, living, place / f"{DELETED}0"):
            folder.mkdir()
    exported.keep(run, "distilled", FILES)
    assert {path.name for path in place.iterdir()} == {exported.key(run, "distilled"), living.name}


def test_an_app_that_goes_is_never_half_there(place, run, monkeypatch):
    """The removal of its files is cut off; nothing with a key is left of it."""
    for age in range(exported.KEPT):
        folder = place / f"{age:032x}"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("old")
        os.utime(folder, (age, age))
    monkeypatch.setattr("shutil.rmtree", lambda folder, **_: None)
    exported.keep(run, "distilled", FILES)
    assert not (place / f"{0:032x}").exists()


def test_a_visitor_who_is_a_moment_late_gets_the_app_of_the_other(place, run, monkeypatch):
    """The other one's folder appears while his own is being written."""
    folder = place / exported.key(run, "distilled")
    write = Path.write_bytes

    def slowly(path, data):
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "index.html", FILES["index.html"])
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", slowly)
    assert exported.keep(run, "distilled", FILES) == folder
    assert [path.name for path in place.iterdir()] == [folder.name]
