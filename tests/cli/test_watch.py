"""`watch` as a command: what people and programs read of it."""

import csv
import shutil

import pytest


@pytest.fixture
def watch(cli, tiny_run, monkeypatch):
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.SETTLE_S", 0.05)
    monkeypatch.setattr("cxrkd.runs.watching.arrivals.AGAIN_S", (0.05,))
    return lambda *words: cli("watch", *words, "--run", tiny_run.id, "--engine", "pytorch")


@pytest.fixture
def folder(films, tmp_path):
    path = tmp_path / "scans"
    path.mkdir()
    for name in ("grey.png", "deep.png", "notes.txt"):
        shutil.copy(films / name, path / name)
    return path


def test_once_answers_what_is_there_and_ends(watch, folder, tmp_path, tiny_run):
    out = tmp_path / "out.csv"
    found = watch(folder, "--once", "--csv", out, "--json")
    assert found.code == 0
    told = found.document
    assert (told["films"], told["refused"], told["run"]) == (2, 1, tiny_run.id)
    assert [one["name"] for one in told["not_answered"]] == ["notes.txt"]
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {str(folder / "grey.png"), str(folder / "deep.png")}
    assert len(rows) == 2 * len(tiny_run.labels)
    assert "notes.txt: not answered. The file is a text file" in found.err


def test_the_same_command_tells_only_what_is_new(watch, folder, films):
    watch(folder, "--once")
    shutil.copy(films / "colour.jpg", folder / "colour.jpg")
    found = watch(folder, "--once", "--force")
    assert "colour.jpg: " in found.err
    found = watch(folder, "--once", "--force")
    assert "colour.jpg: " not in found.err
    assert found.out.startswith("3 films, ")


def test_ctrl_c_stops_it_and_says_how_to_go_on(watch, folder, monkeypatch):
    from cxrkd.runs.watching import stages

    look, looks = stages._Watching._look, []

    def stopping(self):
        looks.append(1)
        if len(looks) > 20:
            raise KeyboardInterrupt
        return look(self)

    monkeypatch.setattr(stages._Watching, "_look", stopping)
    monkeypatch.setattr(stages, "POLL_S", 0.02)
    found = watch(folder)
    assert found.code == 0
    assert f"Stopped. Go on where it was with: python -m cxrkd watch {folder}" in found.err
    assert "films" in found.out


def test_what_is_no_folder_is_a_sentence(watch, tmp_path):
    found = watch(tmp_path / "none", "--csv", tmp_path / "out.csv")
    assert (found.code, found.out) == (2, "")
    assert "Expected a folder to watch" in found.err
    assert not (tmp_path / "out.csv").exists()
