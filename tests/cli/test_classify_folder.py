"""Folders and tables: what is answered of a folder, and what a table holds whenever its process ends."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from cxrkd.data.phantom import render


@pytest.fixture
def classify(cli, tiny_run):
    """`classify` on the tiny run by plain PyTorch."""
    return lambda *words: cli("classify", *words, "--run", tiny_run.id, "--engine", "pytorch")


@pytest.fixture
def folder(films, tmp_path):
    """Two films, one of them in a folder below, a hidden one, a text, a damaged film, and a folder that goes round."""
    top = tmp_path / "scans"
    (top / "study" / "series").mkdir(parents=True)
    (top / ".trash").mkdir()
    shutil.copy(films / "grey.png", top / "b.png")
    shutil.copy(films / "deep.png", top / "study" / "series" / "a")
    for hidden in (".c.png", ".trash/d.png"):
        shutil.copy(films / "grey.png", top / hidden)
    shutil.copy(films / "notes.txt", top / "looks_like_one.png")
    shutil.copy(films / "cut.png", top / "cut.png")
    (top / "study" / "round").symlink_to(top)
    return top


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names_of(path):
    return list(dict.fromkeys(row["name"] for row in rows_of(path)))


def many(folder, n):
    """Different films, each with a name that sorts as it is numbered."""
    folder.mkdir()
    film = render(31, 0, 0, 128).pixels
    for number in range(n):
        shifted = np.roll(film, number, axis=1)
        Image.fromarray(shifted).save(folder / f"{number:03}.png")
    return folder


def test_a_folder_is_its_films_with_those_of_its_folders(classify, folder):
    found = classify(folder, "--json")
    assert [answer["name"] for answer in found.document["answers"]] == [
        str(folder / "b.png"),
        str(folder / "study" / "series" / "a"),
    ]
    assert [failure["name"] for failure in found.document["failures"]] == [str(folder / "cut.png")]
    (left_out,) = found.document["left_out"]
    assert (left_out["n"], left_out["names"]) == (1, "looks_like_one.png")


def test_what_is_no_film_is_one_line_however_many_there_are(classify, folder):
    for number in range(1000):
        (folder / f"{number}.txt").write_text("no film")
    found = classify(folder)
    assert found.out.count("left out") == 1
    assert "1,001 files are neither PNG, JPEG nor DICOM" in found.out
    assert "cut.png" in found.err


def test_a_folder_without_films_is_answered_by_nothing(classify, tmp_path):
    found = classify(tmp_path, "--json")
    assert (found.code, found.document["answers"], found.document["failures"]) == (0, [], [])


def test_folders_without_any_file_are_said(classify, tmp_path):
    found = classify(tmp_path)
    assert (found.code, found.out) == (0, "No file was found to answer: what was named are folders without one.\n")


def test_names_are_printed_so_that_they_are_seen(classify, films, tmp_path):
    odd = "\x1b[31mred\nfilm \udcff"
    (tmp_path / "below").mkdir()
    shutil.copy(films / "grey.png", tmp_path / "below" / odd)
    shutil.copy(films / "notes.txt", tmp_path / odd)
    found = classify(tmp_path)
    assert found.code == 0
    assert found.out.count(r"\x1b[31mred film \udcff") == 2


def test_a_folder_that_cannot_be_opened_is_a_failure_and_the_others_are_answered(classify, films, closed):
    for named in (closed.parent, closed):
        found = classify(films / "grey.png", named, "--json")
        assert found.code == 1
        assert [answer["name"] for answer in found.document["answers"]] == [str(films / "grey.png")]
        (failure,) = found.document["failures"]
        assert failure["name"] == str(closed)
        assert "Permission denied" in found.err


def test_a_name_too_long_for_any_file_gets_a_sentence_and_the_rest_an_answer(classify, films):
    found = classify(films / "grey.png", "a" * 300, "--json")
    assert (found.code, len(found.document["answers"])) == (1, 1)
    assert "cannot be opened (File name too long)" in found.err


def test_a_film_is_not_overwritten_by_a_table(classify, films, tmp_path):
    """As by `--csv *.png`, where the first film takes the place of the table."""
    film = shutil.copy(films / "grey.png", tmp_path / "grey.png")
    before = film.read_bytes()
    for more in ((), ("--go-on",)):
        found = classify(films / "deep.png", "--csv", film, *more)
        assert (found.code, found.out) == (2, "")
        assert "is a radiograph, which a table would overwrite" in found.err
        assert film.read_bytes() == before


@pytest.mark.parametrize("content", [b"no line", b"x" * 200_000 + b"\n", b"\0" * 300])
def test_going_on_with_what_is_no_table_leaves_it_as_it_is(classify, films, tmp_path, content):
    (tmp_path / "out.csv").write_bytes(content)
    found = classify(films / "grey.png", "--csv", tmp_path / "out.csv", "--go-on")
    assert found.code == 2
    assert "is no table of answers of these networks" in found.err
    assert (tmp_path / "out.csv").read_bytes() == content


def test_a_name_that_looks_like_a_formula_is_text_in_the_table(classify, films, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(films / "grey.png", "=1+1.png")
    assert classify("=1+1.png", "--csv", "out.csv").code == 0
    assert names_of(tmp_path / "out.csv") == ["'=1+1.png"]
    assert "0 films answered, 1 were there" in classify("=1+1.png", "--csv", "out.csv", "--go-on").out


def test_many_damaged_files_are_counted_and_not_told_one_by_one(classify, films, tmp_path):
    for number in range(30):
        shutil.copy(films / "cut.png", tmp_path / f"{number}.png")
    found = classify(tmp_path)
    assert found.code == 1
    assert len(found.err.splitlines()) == 21
    assert "10 more files could not be used" in found.err


@pytest.mark.parametrize("cores", [1, 3])
def test_many_films_are_answered_as_one_by_one(classify, tmp_path, monkeypatch, cores):
    """In groups and by several workers, in the order of their names."""
    monkeypatch.setattr("cxrkd.runs.panel.cores", lambda: cores)
    folder = many(tmp_path / "films", 23)
    together = classify(folder, "--force", "--json").document["answers"]
    assert [answer["name"] for answer in together] == [str(path) for path in sorted(folder.iterdir())]
    for number in (0, 7, 22):
        (alone,) = classify(folder / f"{number:03}.png", "--force", "--json").document["answers"]
        for member, said in alone["members"].items():
            expected, got = (list(one["probs"].values()) for one in (said, together[number]["members"][member]))
            np.testing.assert_allclose(got, expected, atol=1e-6)


def test_of_many_films_in_a_table_only_their_number_is_printed(classify, tmp_path, tiny_run):
    folder, out = many(tmp_path / "films", 60), tmp_path / "out.csv"
    found = classify(folder, "--force", "--csv", out)
    assert f"60 films answered: {out}" in found.out
    assert len(found.out.splitlines()) < 10
    assert len(rows_of(out)) == 60 * len(tiny_run.labels)


def stopping_after(monkeypatch, n, kind=KeyboardInterrupt):
    """Ctrl-C when so many films were written."""
    from cxrkd.answers.csv_file import AnswersFile

    add, written = AnswersFile.add, []

    def stop(self, answer):
        add(self, answer)
        written.append(answer)
        if len(written) == n:
            raise kind

    monkeypatch.setattr(AnswersFile, "add", stop)


def test_a_table_that_was_interrupted_holds_whole_films_and_goes_on(classify, tmp_path, tiny_run):
    folder, out = many(tmp_path / "films", 9), tmp_path / "out.csv"
    whole = tmp_path / "whole.csv"
    assert classify(folder, "--force", "--csv", whole).code == 0
    with pytest.MonkeyPatch.context() as patch:
        stopping_after(patch, 4)
        found = classify(folder, "--force", "--csv", out)
    assert found.code == 130
    assert names_of(out) == names_of(whole)[:4]
    assert len(rows_of(out)) == 4 * len(tiny_run.labels)
    found = classify(folder, "--force", "--csv", out, "--go-on")
    assert found.code == 0
    assert "5 films answered, 4 were there" in found.out
    for row, expected in zip(rows_of(out), rows_of(whole), strict=True):
        for name, value in expected.items():
            if name.endswith(("_prob", "_difference")):  # films are asked in other company, and sums are rounded
                assert float(row[name]) == pytest.approx(float(value), abs=1e-6)
            elif not name.endswith("_ms"):
                assert row[name] == value


def test_a_film_that_a_kill_cut_in_two_is_answered_again(classify, tmp_path):
    folder, out = many(tmp_path / "films", 3), tmp_path / "out.csv"
    classify(folder, "--force", "--csv", out)
    whole = names_of(out)
    for cut in (1, 50, 700):
        data = out.read_bytes()
        out.write_bytes(data[:-cut])
        found = classify(folder, "--force", "--csv", out, "--go-on")
        assert "1 films answered, 2 were there" in found.out
        assert names_of(out) == whole


def test_going_on_with_a_table_of_other_networks_is_refused(classify, films, tmp_path):
    out = tmp_path / "out.csv"
    classify(films / "grey.png", "--csv", out, "--members", "teacher")
    before = out.read_bytes()
    found = classify(films / "deep.png", "--csv", out, "--go-on")
    assert found.code == 2
    assert "is no table of answers of these networks" in found.err
    assert out.read_bytes() == before


def test_going_on_needs_a_table(classify, films):
    found = classify(films / "grey.png", "--go-on")
    assert found.code == 2
    assert "--csv" in found.err
