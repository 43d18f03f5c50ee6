"""Watching a folder as a job: what is answered, once, whatever comes and whoever ends it."""

import csv
import json
import os
import signal
import sqlite3
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from cxrkd.data.phantom import render
from cxrkd.errors import ConfigError, DataError, NotNowError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import open_job
from cxrkd.runs.choosing import choose_both
from cxrkd.runs.watching import stages
from cxrkd.runs.watching.job import WatchConfig, WatchJob
from cxrkd.runs.watching.making import folder_named, ready, start_apart, watch_of
from cxrkd.runs.watching.store import STORE, Store, films_of
from cxrkd.runs.watching.wording import agreement, alarm, passed_over, running
from tests.images.conftest import dicom, encode

PATIENT = "Doe^Jane"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(stages, "POLL_S", 0.02)
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.SETTLE_S", 0.05)
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.AGAIN_S", (0.05, 0.1))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "scans"
    path.mkdir()
    return path


@pytest.fixture
def asked(folder, tiny_run):
    def asked(**more):
        members = tuple(choose_both(tiny_run))
        values = {"run": str(tiny_run.path), "members": members, "folder": folder, "engine": "pytorch", "once": True}
        return WatchConfig(**values | {"force": True} | more)

    return asked


@pytest.fixture
def watched(asked):
    """Watch once; the job and what it has."""

    def watched(**more):
        job = watch_of(asked(**more))
        execute(job)
        return job

    return watched


def film(n=0, side=96):
    return np.roll(render(31, 0, 0, side).pixels, n, axis=1)


def put(folder, name, n=0):
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(encode(film(n)))


def look(job):
    return films_of(job.path)


def test_each_film_is_answered_as_classify_does(folder, watched, tiny_run):
    import torch

    from cxrkd.images.files import film_of

    put(folder, "a.png")
    put(folder, "study/b.png", 5)
    job = watched()
    assert job.state.status == "done"
    with look(job) as store:
        rows = store.after(0)
        assert [row.name for row in rows] == ["a.png", "study/b.png"]
        for row in rows:
            seen = film_of((folder / row.name).read_bytes(), row.name, 32)
            assert row.digest == seen.sha256
            x = torch.from_numpy(seen.pixels)[None, None]
            with torch.inference_mode():
                t, s = (tiny_run.load_model(member)(x)[0].sigmoid().numpy() for member in ("teacher", "distilled"))
            cuts_t, cuts_s = (tiny_run.thresholds(member) for member in ("teacher", "distilled"))
            judged = ~np.isnan(cuts_t) & ~np.isnan(cuts_s)
            assert row.comparison.judged == judged.sum()
            assert row.comparison.agreed == (judged & ((t >= cuts_t) == (s >= cuts_s))).sum()
            assert row.comparison.largest == pytest.approx(np.abs(t - s).max(), abs=1e-5)
            assert row.comparison.label == tiny_run.labels[int(np.abs(t - s).argmax())]
            labels = {tiny_run.labels[k] for k in np.flatnonzero(t >= cuts_t)}
            assert set(row.called["teacher"]) == labels
        totals = store.totals()
        assert (totals.films, totals.judged) == (2, sum(row.comparison.judged for row in rows))
        assert totals.agreed == sum(row.comparison.agreed for row in rows)
        assert totals.calling == sum(row.alarming for row in rows)
        assert totals.largest == max(row.comparison.largest for row in rows)


def test_the_same_picture_is_answered_once_in_whatever_file_it_comes(folder, watched):
    put(folder, "a.png")
    put(folder, "again.png")
    (folder / "jumble.dcm").write_bytes(dicom(film()))
    job = watched()
    with look(job) as store:
        totals = store.totals()
        assert (totals.films, totals.duplicates) == (len(store.after(0)), 3 - totals.films)
        assert totals.films <= 2, "the DICOM may be scaled by another rule"


def test_rubbish_is_kept_out_and_named_without_its_tags(folder, watched, capfd):
    put(folder, "good.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no film")
    (folder / "cut.png").write_bytes(encode(film())[:-300])
    (folder / "bomb.dcm").write_bytes(dicom(film().astype(np.uint16), Rows=60000, Columns=60000, PatientName=PATIENT))
    os.mkfifo(folder / "pipe")
    job = watched()
    with look(job) as store:
        assert [row.name for row in store.after(0)] == ["good.png"]
        refused = {one.name: one.reason for one in store.not_answered(10)}
    assert set(refused) == {"empty.png", "notes.txt", "cut.png", "bomb.dcm"}
    assert refused["empty.png"].startswith("The file is empty")
    assert not any(str(folder) in reason for reason in refused.values())
    kept = b"".join(path.read_bytes() for path in job.path.rglob("*") if path.is_file())
    assert PATIENT.encode() not in kept
    assert PATIENT not in "".join(capfd.readouterr())


def test_a_flagged_film_is_not_answered_unless_forced(folder, watched):
    (folder / "inverted.png").write_bytes(encode(255 - render(31, 0, 0, 128).pixels))
    with look(watched(force=False)) as store:
        assert (store.totals().films, store.totals().flagged) == (0, 1)
        assert "inverted" in store.not_answered(1)[0].reason
    with look(watched(force=True)) as store:
        assert (store.totals().films, store.totals().flagged) == (1, 0)


def asks(monkeypatch):
    """Films that the networks are asked about, by hash."""
    from cxrkd.runs.panel import Panel

    answers, seen = Panel.answers, []

    def counting(self, films):
        seen.extend(one.sha256 for one in films)
        return answers(self, films)

    monkeypatch.setattr(Panel, "answers", counting)
    return seen


def test_the_same_command_goes_on_and_answers_nothing_again(folder, watched, monkeypatch):
    put(folder, "a.png")
    first = watched()
    seen = asks(monkeypatch)
    put(folder, "b.png", 3)
    second = watched()
    assert second.path == first.path
    assert len(seen) == 1
    with look(second) as store:
        assert [row.name for row in store.after(0)] == ["a.png", "b.png"]


def test_a_file_that_is_only_touched_is_no_duplicate_of_itself(folder, watched, monkeypatch):
    put(folder, "a.png")
    watched()
    seen = asks(monkeypatch)
    os.utime(folder / "a.png")
    with look(watched()) as store:
        assert (store.totals().films, store.totals().duplicates) == (1, 0)
    assert seen == []


def test_a_film_that_was_taken_too_early_gives_way_to_the_whole_one(folder, watched):
    """A file of its final size whose end is still zeros: the picture is whole, and another one."""
    whole = dicom(film(0, 96))
    (folder / "a.dcm").write_bytes(whole[:-4000] + bytes(4000))
    watched()
    (folder / "a.dcm").write_bytes(whole)
    job = watched()
    with look(job) as store:
        assert store.totals().films == 1
        (row,) = store.after(0)
    from cxrkd.images.files import film_of

    assert row.digest == film_of(whole, "a", 32).sha256


def endless(asked, monkeypatch, at_each_look, **more):
    """Watch until `at_each_look(n, job)` raises Stop."""
    job, looks = watch_of(asked(once=False, **more)), []
    check = stages._Watching._look

    def looking(self):
        looks.append(1)
        at_each_look(len(looks), job)
        return check(self)

    monkeypatch.setattr(stages._Watching, "_look", looking)
    with pytest.raises(KeyboardInterrupt):
        execute(job)
    monkeypatch.undo()
    return job


def test_a_half_written_file_is_answered_when_it_is_whole(folder, asked, monkeypatch):
    data = encode(film())
    (folder / "slow.png").write_bytes(data[:1000])
    began = time.monotonic()

    def write_on(n, job):
        if n % 3 == 0 and (folder / "slow.png").stat().st_size < len(data):
            with (folder / "slow.png").open("ab") as file:
                size = file.tell()
                file.write(data[size : size + len(data) // 5])
        with look(job) as store:
            if store.totals().films:
                raise KeyboardInterrupt
        assert time.monotonic() - began < 60

    job = endless(asked, monkeypatch, write_on)
    with look(job) as store:
        assert (store.totals().films, store.totals().refused) == (1, 0)
    assert job.state.status == "interrupted"


def test_a_folder_that_goes_and_comes_back_is_watched_on(folder, asked, monkeypatch):
    put(folder, "a.png")
    away = folder.with_name("away")

    def come_and_go(n, job):
        if n == 5:
            folder.rename(away)
        if n == 10:
            assert "The folder is gone" in job.now()["gone"]
            away.rename(folder)
            put(folder, "b.png", 4)
        with look(job) as store:
            if n > 10 and store.totals().films == 2:
                raise KeyboardInterrupt

    job = endless(asked, monkeypatch, come_and_go)
    messages = [event["message"] for event in job.events() if event["kind"] == "folder"]
    assert "Waiting for it to come back" in messages[0]
    assert messages[1] == "The folder is back."
    assert str(folder) not in (job.path / "log.txt").read_text()


def test_once_does_not_wait_for_a_folder_that_is_gone(folder, asked):
    put(folder, "a.png")
    job = watch_of(asked())
    folder.rename(folder.with_name("away"))
    with pytest.raises(DataError, match="The folder is gone"):
        execute(job)
    folder.with_name("away").rename(folder)
    execute(ready(job))
    with look(job) as store:
        assert store.totals().films == 1


def test_files_that_vanish_while_they_are_read_are_no_fault(folder, watched, monkeypatch):
    for n in range(6):
        put(folder, f"{n}.png", n)
    original = stages.bytes_of

    def vanishing(path):
        data = original(path)
        if path.name in ("1.png", "3.png"):
            path.unlink()
        return data

    monkeypatch.setattr(stages, "bytes_of", vanishing)
    with look(watched()) as store:
        assert {row.name for row in store.after(0)} == {"0.png", "2.png", "4.png", "5.png"}
        assert store.totals().refused == 0


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_kill_between_table_and_commit_leaves_each_film_once(folder, watched, tmp_path, tiny_run, monkeypatch):
    """The rows of a film are written, then it is committed; killed in between, it is written again and not twice."""
    out = tmp_path / "out.csv"
    for n in range(3):
        put(folder, f"{n}.png", n)
    add, written = Store.add, []

    def killed(self, row, signature):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(row)
        add(self, row, signature)

    monkeypatch.setattr(Store, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        watched(csv=out)
    assert len({row["sha256"] for row in rows_of(out)}) == 2, "one of them was not committed"
    monkeypatch.setattr(Store, "add", add)
    watched(csv=out)
    names = [row["name"] for row in rows_of(out)]
    assert sorted(names) == sorted([str(folder / f"{n}.png") for n in range(3)] * len(tiny_run.labels))


def test_a_table_loses_no_film_when_a_file_is_written_again(folder, watched, tmp_path):
    """The film that a file held before is forgotten; those that came behind it stay in the table."""
    out = tmp_path / "out.csv"
    put(folder, "a.png", 0)
    put(folder, "b.png", 1)
    watched(csv=out)
    put(folder, "a.png", 2)
    watched(csv=out)
    job = watched(csv=out)
    with look(job) as store:
        digests = {row.digest for row in store.after(0)}
    assert len(digests) == 2
    assert digests <= {row["sha256"] for row in rows_of(out)}


def test_a_table_of_another_folder_is_not_emptied(folder, watched, tmp_path):
    out = tmp_path / "out.csv"
    for n in range(2):
        put(folder, f"{n}.png", n)
        put(tmp_path / "other", f"{n}.png", 5 + n)
    watched(csv=out)
    before = out.read_bytes()
    with pytest.raises(ConfigError, match="holds 2 films that were answered elsewhere"):
        watched(csv=out, folder=tmp_path / "other")
    assert out.read_bytes() == before


def test_a_table_in_the_folder_is_no_file_that_came(folder, watched):
    for n in range(2):
        put(folder, f"{n}.png", n)
    with look(watched(csv=folder / "out.csv")) as store:
        assert (store.totals().films, store.not_answered(9)) == (2, [])


def test_a_store_whose_tables_are_not_made_yet_is_none(tmp_path):
    (tmp_path / STORE).touch()
    assert films_of(tmp_path) is None


def test_an_old_film_is_not_given_up_because_this_machine_cannot_read_it_now(folder, asked, monkeypatch):
    put(folder, "a.png")
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.OLD_S", -1.0)
    original, tries = stages.film_of, []

    def busy(*args, **more):
        tries.append(1)
        if len(tries) < 5:
            raise NotNowError("The file cannot be read now.")
        return original(*args, **more)

    def until_answered(n, job):
        with look(job) as store:
            if store.totals().films or n > 500:
                raise KeyboardInterrupt

    monkeypatch.setattr(stages, "film_of", busy)
    with look(endless(asked, monkeypatch, until_answered)) as store:
        assert (store.totals().films, store.totals().refused) == (1, 0)


@pytest.mark.parametrize("name", ["~no.such.user/films", "a" * 300, "loop"])
def test_a_name_that_can_be_no_folder_is_a_sentence(asked, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(DataError, match="Expected a folder to watch"):
        watch_of(asked(folder=folder_named(Path(name))))


def test_a_folder_is_watched_by_one_process_at_a_time(folder, asked, monkeypatch):
    def again(n, job):
        with pytest.raises(RunError, match="watches this folder already"):
            watch_of(asked())
        raise KeyboardInterrupt

    endless(asked, monkeypatch, again)


def test_of_two_who_begin_in_the_same_moment_one_watches(folder, asked, monkeypatch):
    """Each sees no watch yet and makes one; the later one is taken back."""
    from cxrkd.runs.watching import making

    first, listed, looks = watch_of(asked()), making.list_watches, []

    def late(*_):
        looks.append(1)
        return listed() if len(looks) > 1 else []

    monkeypatch.setattr(making, "list_watches", late)
    assert watch_of(asked()).id == first.id
    assert [job.id for job in listed() if job.config.folder == folder] == [first.id]


def test_what_is_no_folder_is_a_sentence(asked, tmp_path):
    with pytest.raises(DataError, match="Expected a folder to watch"):
        watch_of(asked(folder=tmp_path / "none"))


def test_a_watch_never_waits_in_the_queue(folder, watched):
    """The one worker would be at it for ever, and nobody else's job would be done."""
    put(folder, "a.png")
    job = ready(watched())
    with pytest.raises(RunError, match="does not wait in the queue"):
        queue.resume(job)


def test_a_store_that_is_damaged_is_a_sentence(folder, watched):
    put(folder, "a.png")
    job = watched()
    (job.path / STORE).write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
    with pytest.raises(RunError, match=r"films\.db"):
        execute(ready(job))
    assert ready(job).state.status == "interrupted"
    with pytest.raises(RunError, match=r"films\.db"):
        look(job)


def test_only_their_owner_can_read_what_was_answered(folder, watched):
    put(folder, "a.png")
    job = watched()
    for path in [job.path, *job.path.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_no_pixels_are_kept(folder, watched):
    put(folder, "a.png")
    tables = sqlite3.connect(watched().path / STORE).execute("SELECT * FROM films").fetchall()
    assert all(not isinstance(value, bytes) for row in tables for value in row)


def test_a_thousand_files_need_the_memory_of_a_few(folder, watched, monkeypatch):
    """Copies of two films; the third hundred may not need more than the first."""
    import tracemalloc

    data = [encode(film(n)) for n in range(2)]
    for n in range(400):
        (folder / f"{n:04}.png").write_bytes(data[n % 2])
    held, deal = [], stages._Watching._deal_with

    def measured(self, one):
        deal(self, one)
        held.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(stages._Watching, "_deal_with", measured)
    tracemalloc.start()
    try:
        with look(watched()) as store:
            assert (store.totals().films, store.totals().duplicates) == (2, 398)
    finally:
        tracemalloc.stop()
    assert np.median(held[300:]) - np.median(held[50:100]) < 2e6


def test_a_page_cannot_have_links_out_of_its_folders_followed(folder, asked, tmp_path):
    from cxrkd.jobs.asked import mark_page

    put(tmp_path / "elsewhere", "secret.png")
    put(folder, "a.png", 2)
    (folder / "link.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    job = watch_of(asked())
    mark_page(job, [folder])
    execute(job)
    with look(job) as store:
        assert [row.name for row in store.after(0)] == ["a.png"]
        assert store.totals().refused == 1


@pytest.mark.slow
def test_a_watch_in_a_process_of_its_own_survives_kills_and_loses_nothing(folder, asked, tmp_path):
    """Started as a page does, killed at some moments, started again; then stopped as a page does."""
    out = tmp_path / "out.csv"
    job = watch_of(asked(once=False, csv=out))
    for n in range(12):
        put(folder, f"{n}.png", n)
    for pause in (0.0, 1.5, 2.5):
        start_apart(job)
        time.sleep(pause)
        os.kill(job.state.pid, signal.SIGKILL)
        while job.state.status == "running":
            time.sleep(0.05)
        assert job.state.status == "interrupted"
    start_apart(job)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        store = look(job)
        if store is not None:
            with store:
                if store.totals().films == 12:
                    break
        time.sleep(0.2)
    queue.cancel(job)
    assert job.state.status == "cancelled"
    with look(job) as store:
        assert sorted(row.name for row in store.after(0)) == sorted(f"{n}.png" for n in range(12))
        digests = {row.digest for row in store.after(0)}
    by_film = [row["sha256"] for row in rows_of(out)]
    assert set(by_film) == digests
    assert len(by_film) == 12 * (len(by_film) // 12)
    assert max(by_film.count(one) for one in digests) == len(by_film) // 12


def test_words_for_what_it_has_come_to(folder, watched):
    job = watched()
    with look(job) as store:
        assert running(store.totals(), store.latest(5)) == "No film has come yet."
    put(folder, "a.png")
    put(folder, "b.png")
    job = watched()
    with look(job) as store:
        totals, (row,) = store.totals(), store.latest(5)
        assert running(totals, [row]).startswith("1 film, ")
        assert f"of {totals.judged} calls agree" in agreement(totals) or not totals.judged
        assert passed_over(totals) == "1 the same picture again"
        assert bool(alarm(row)) == row.alarming
    assert isinstance(open_job(job.id), WatchJob)
    assert job.summary() == {"films": "1"}
    assert json.dumps(job.now())
