"""Which files are new and whole, by a clock of the test's own."""

import os
import shutil
import time

import pytest

from cxrkd.runs.watching.arrivals import AGAIN_S, SETTLE_S, Arrivals, GoneError, signatures


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


@pytest.fixture
def watched(folder, clock):
    """Arrivals of a folder, and what was settled, by name and signature."""
    done = set()
    arrivals = Arrivals(folder, lambda *file: file in done, clock)
    arrivals.done = done
    return arrivals


def names(ready):
    return [arrival.name for arrival in ready]


def test_a_file_is_taken_once_it_stays_as_it_is(folder, watched, clock):
    (folder / "a").write_bytes(b"half")
    assert names(watched.look()) == []
    clock.now += 0.9 * SETTLE_S
    (folder / "a").write_bytes(b"half and more")
    assert names(watched.look()) == []
    clock.now += 0.9 * SETTLE_S
    assert names(watched.look()) == [], "it changed less than that ago"
    clock.now += 0.2 * SETTLE_S
    assert names(watched.look()) == ["a"]


def test_those_that_came_first_go_first(folder, watched, clock):
    for name in ("z", "b", "a"):
        (folder / name).write_text(name)
        watched.look()
        clock.now += 0.1
    clock.now += SETTLE_S
    assert names(watched.look()) == ["z", "b", "a"]


def test_hidden_files_and_links_to_folders_are_passed_over(folder, tmp_path):
    (folder / "study").mkdir()
    (folder / ".hidden").mkdir()
    for name in ("study/film", ".hidden/film", ".film"):
        (folder / name).write_text("x")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    assert [name for name, _ in signatures(folder)] == ["study/film"]


def test_what_cannot_be_read_is_tried_again_later_and_then_given_up(folder, watched, clock):
    (folder / "a").write_text("x")
    watched.look()
    clock.now += SETTLE_S
    for pause in AGAIN_S:
        (arrival,) = watched.look()
        assert watched.unread(arrival)
        clock.now += 0.9 * pause
        assert names(watched.look()) == []
        clock.now += 0.2 * pause
    (arrival,) = watched.look()
    assert not watched.unread(arrival)


def test_a_file_that_grows_after_it_could_not_be_read_is_tried_from_the_beginning(folder, watched, clock):
    (folder / "a").write_text("x")
    watched.look()
    clock.now += SETTLE_S
    watched.unread(watched.look()[0])
    (folder / "a").write_text("xyz")
    watched.look()
    clock.now += SETTLE_S
    (arrival,) = watched.look()
    assert arrival.tries == 0
    assert watched.settle(arrival) == pytest.approx(2 * SETTLE_S), "since it was seen first"


def test_an_old_file_is_tried_once(folder, watched, clock, monkeypatch):
    (folder / "a").write_text("x")
    later = time.time() + 3600
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.time.time", lambda: later)
    watched.look()
    clock.now += SETTLE_S
    assert not watched.unread(watched.look()[0])


def test_settled_files_are_not_kept_in_memory(folder, watched, clock):
    for n in range(50):
        (folder / str(n)).write_text("x")
    watched.look()
    clock.now += SETTLE_S
    for arrival in watched.look():
        watched.done.add((arrival.name, arrival.signature))
        watched.settle(arrival)
    assert len(watched) == 0
    assert watched.look() == []
    assert len(watched) == 0


def test_a_file_that_vanishes_is_forgotten(folder, watched, clock):
    (folder / "a").write_text("x")
    watched.look()
    (folder / "a").unlink()
    clock.now += SETTLE_S
    assert watched.look() == []
    assert len(watched) == 0


def test_a_folder_that_vanishes_is_said_and_goes_on_when_it_is_back(folder, watched, clock):
    (folder / "a").write_text("x")
    watched.look()
    shutil.move(folder, folder.with_name("away"))
    with pytest.raises(GoneError, match="The folder is gone"):
        watched.look()
    shutil.move(folder.with_name("away"), folder)
    watched.look()
    clock.now += SETTLE_S
    assert names(watched.look()) == ["a"]
