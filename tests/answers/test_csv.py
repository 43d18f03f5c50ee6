"""One table of answers, read back by the standard library and by pandas."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxrkd.answers.answer import Answer, MemberAnswer
from cxrkd.answers.csv import answers_csv, as_named, columns
from cxrkd.answers.verdict import Standing
from cxrkd.images.film import Film
from cxrkd.images.gate import Verdict

LABELS = ("Mass", "Pleural_Thickening")
AWKWARD = 'a, "b"\nc.png'


def answer_of(name="film.png", latency_ms=1.25, **known):
    def said(probs, cuts):
        return MemberAnswer("openvino", np.array(probs), np.array(cuts), latency_ms)

    tones = np.zeros((4, 4), np.uint8)
    film = Film(name, tones, lambda: tones / 255, "ab12", ("inverted", "cropped"), **known)
    members = {"teacher": said([0.2, math.nan], [0.3, math.nan]), "distilled": said([0.4, 0.7], [0.3, math.nan])}
    return Answer(film, LABELS, members, "trained on phantoms")


@pytest.fixture
def standings():
    aurocs, gap = np.array([0.9, math.nan]), np.array([0.1, math.nan])

    def known(reason):
        return Standing(LABELS, aurocs, aurocs - gap, aurocs + gap, ("", reason))

    return {"teacher": known("never taught"), "distilled": known("1 positive patient")}


def test_every_film_and_label_is_a_row_with_all_that_was_said(standings):
    flagged = Verdict(False, "photo", "It looks like a photograph.", 0.1)
    found = answers_csv([answer_of("a.png", gate=flagged), answer_of("b.dcm", latency_ms=math.nan)], standings)
    table = pd.read_csv(io.StringIO(found))
    assert list(table["name"]) == ["a.png", "a.png", "b.dcm", "b.dcm"]
    assert list(table["label"]) == [*LABELS, *LABELS]
    assert set(table["sha256"]) == {"ab12"}
    assert set(table["notes"]) == {"inverted; cropped"}
    assert table["gate"].fillna("").tolist() == [flagged.reason] * 2 + [""] * 2
    assert set(table["warning"]) == {"trained on phantoms"}
    assert table["distilled_prob"].tolist() == [0.4, 0.7, 0.4, 0.7]
    assert table["distilled_threshold"].fillna(-1).tolist() == [0.3, -1, 0.3, -1]
    assert table["distilled_positive"].fillna("").astype(str).tolist() == ["True", "", "True", ""]
    np.testing.assert_allclose(table["distilled_difference"], [0.2, math.nan] * 2)
    np.testing.assert_array_equal(table["teacher_auroc_low"], [0.8, math.nan] * 2)
    assert table["distilled_not_judged"].isna().tolist() == [True, False] * 2
    assert set(table["distilled_verdict"]) == {"mass, the one finding it can call"}
    assert set(table["distilled_engine"]) == {"openvino"}
    np.testing.assert_array_equal(table["teacher_latency_ms"], [1.25, 1.25, math.nan, math.nan])


def test_what_is_not_known_is_empty_and_never_a_word(standings):
    rows = list(csv.DictReader(io.StringIO(answers_csv([answer_of(latency_ms=math.nan)], standings))))
    empty = {name for name, value in rows[1].items() if value == ""}
    assert {"teacher_prob", "teacher_threshold", "teacher_positive", "teacher_latency_ms", "gate"} <= empty
    assert not {"nan", "None", "inf"} & {value for row in rows for value in row.values()}


def test_a_name_comes_back_as_it_was(standings):
    rows = list(csv.DictReader(io.StringIO(answers_csv([answer_of(AWKWARD)], standings), newline="")))
    assert {row["name"] for row in rows} == {AWKWARD}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'", "film", "a=b", "1-2.png"])
def test_no_name_is_a_formula_and_each_comes_back(standings, name):
    (cell,) = {
        row["name"] for row in csv.DictReader(io.StringIO(answers_csv([answer_of(name)], standings), newline=""))
    }
    assert cell[0] not in "=+-@\t\r"
    assert as_named(cell) == name


def test_the_columns_are_the_documented_ones_whether_or_not_there_is_a_row(standings):
    from cxrkd.answers import csv as module

    for answers in ([], [answer_of()]):
        header = answers_csv(answers, standings).splitlines()[0].split(",")
        assert header == columns(["teacher", "distilled"])
    documented = [name.removeprefix("MEMBER_") for name in module.__doc__.replace(",", " ").split()]
    assert {*module.FILM, *module.MEMBER} <= set(documented)
    assert "teacher_difference" not in header
    assert "distilled_difference" in header
    assert "distilled_difference" not in columns(["alone", "distilled"])


def test_without_a_teacher_there_is_no_difference(standings):
    alone = replace(answer_of(), members={"distilled": answer_of().members["distilled"]})
    header = answers_csv([alone], {"distilled": standings["distilled"]}).splitlines()[0]
    assert "difference" not in header
