"""Answers about films -> tables and CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.session import Film
from cxrkd.dashboard.tables import csv
from cxrkd.labels import display_name
from cxrkd.runs.answer import Answer


def answer_table(answer: Answer) -> pd.DataFrame:
    """One row a label, the teacher's most probable first; probability, threshold and verdict per member, difference."""
    frame = pd.DataFrame(answer.table())
    first = next(iter(answer.members))
    frame = frame.sort_values(f"{first}_prob", ascending=False, kind="stable")
    columns: dict[str, pd.Series] = {"Label": frame["label"].map(display_name)}
    for member in answer.members:
        name = MEMBER_NAMES[member]
        columns[name] = frame[f"{member}_prob"]
        columns[f"{name} threshold"] = frame[f"{member}_threshold"]
        columns[f"{name} says"] = frame[f"{member}_positive"].map({True: "yes", False: "no"}).fillna("no threshold")
        if f"{member}_difference" in frame:
            columns[f"{name} − teacher"] = frame[f"{member}_difference"]
    return pd.DataFrame(columns)


def answers_summary(films: Sequence[Film], answers: Sequence[Answer]) -> pd.DataFrame:
    """One row a film: what each member finds, and on how many labels students and teacher disagree."""
    rows = []
    for film, answer in zip(films, answers, strict=True):
        row: dict[str, object] = {"Film": film.name}
        if film.truth is not None:
            row["True labels"] = ", ".join(display_name(label) for label in film.truth) or "no finding"
        for member, said in answer.members.items():
            found = [display_name(label) for label, yes in zip(answer.labels, said.positive, strict=True) if yes]
            row[MEMBER_NAMES[member]] = ", ".join(found) or "no finding"
        rows.append(row)
    return pd.DataFrame(rows)


def answers_csv(answers: Sequence[Answer]) -> bytes:
    """Every film, label and member: probability, threshold, verdict, difference, engine and latency."""
    rows = []
    for answer in answers:
        about: dict[str, object] = {"file": answer.name}
        tail: dict[str, object] = {"warning": answer.warning, "reader_notes": "; ".join(answer.notes)}
        for member, said in answer.members.items():
            tail |= {f"{member}_engine": said.engine, f"{member}_latency_ms": round(said.latency_ms, 3)}
        rows += [about | row | tail for row in answer.table()]
    return csv(pd.DataFrame(rows))
