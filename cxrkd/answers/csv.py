"""Answers as a table for spreadsheets and programs: one, whether the command line writes it or a page offers it.

Columns, in this order:

    name            of the file, or the data set's name of the image
    sha256          of shape and pixels of the whole film; empty for a row of a data set
    gate            why the radiograph gate doubts that it is a frontal chest radiograph; empty where it does not
    notes           what the reader did to the file, and what the crop to a square takes
    warning         what has to be said beside the answer
    label           one row a label
    then for each member, such as `teacher`:
    MEMBER_prob         probability, 0 to 1; empty for a label that it was never taught
    MEMBER_threshold    its own operating point; empty where it has none
    MEMBER_positive     True or False: the probability reaches the threshold; empty where it does not judge the label
    MEMBER_difference   probability minus the teacher's; only of students beside a teacher
    MEMBER_auroc, MEMBER_auroc_low, MEMBER_auroc_high   on the test patients with its 95 % interval
    MEMBER_not_judged   why it cannot call the label; empty where it can
    MEMBER_verdict      what it calls on this film, in words
    MEMBER_engine       which engine computed it
    MEMBER_latency_ms   of one film; empty where it was not measured

Names of files and labels are foreign. Where a text begins like a formula of a spreadsheet (= + - @), an apostrophe
stands before it, so that opening the table computes nothing; `as_named` takes it away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cxrkd.answers.answer import Answer
from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.plain import plain

FILM = ("name", "sha256", "gate", "notes", "warning", "label")
MEMBER = (
    *("prob", "threshold", "positive", "difference", "auroc", "auroc_low", "auroc_high", "not_judged"),
    *("verdict", "engine", "latency_ms"),
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def columns(members: Sequence[Member]) -> list[str]:
    """Names of the columns for some members."""
    differing = [m for m in members if m != "teacher"] if "teacher" in members else []
    own = [(m, column) for m in members for column in MEMBER if column != "difference" or m in differing]
    return [*FILM, *(f"{member}_{column}" for member, column in own)]


def answers_csv(answers: Sequence[Answer], standings: Mapping[Member, Standing]) -> str:
    """The table, one row a film and label; lines end as RFC 4180 has it, values are quoted where they must be.

    Args:
        answers: any number.
        standings: how far each member can be relied on, in the order of the columns.
    """
    return csv_head(list(standings)) + "".join(csv_rows(answer, standings) for answer in answers)


def csv_head(members: Sequence[Member]) -> str:
    """The first line of the table."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(columns(members))
    return text.getvalue()


def csv_rows(answer: Answer, standings: Mapping[Member, Standing]) -> str:
    """The lines of one film, a label each."""
    text = io.StringIO(newline="")
    writer, film = csv.DictWriter(text, columns(list(standings))), _film(answer)
    for k, row in enumerate(_plain_rows(answer)):
        cells = film | row | _members(answer, standings, k)
        writer.writerow({name: _inert(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
    return text.getvalue()


def as_named(cell: str) -> str:
    """The text that a cell stands for.

    >>> as_named("'=1+1.png"), as_named("film.png")
    ('=1+1.png', 'film.png')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _inert(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _film(answer: Answer) -> dict[str, Any]:
    film = answer.film
    reason = film.gate.reason if film.gate else ""
    row = {"name": film.name, "sha256": film.digest, "gate": reason, "notes": "; ".join(film.notes)}
    return row | {"warning": answer.warning}


def _plain_rows(answer: Answer) -> list[dict[str, Any]]:
    return [{name: plain(value) for name, value in row.items()} for row in answer.table()]


def _members(answer: Answer, standings: Mapping[Member, Standing], k: int) -> dict[str, Any]:
    """What stands beside label k, by member."""
    row: dict[str, Any] = {}
    for member, member_answer in answer.members.items():
        known = standings[member].row(k) | {"verdict": answer.verdict(member), "engine": member_answer.engine}
        known["latency_ms"] = plain(round(member_answer.latency_ms, 3))
        row |= {f"{member}_{name}": value for name, value in known.items()}
    return row
