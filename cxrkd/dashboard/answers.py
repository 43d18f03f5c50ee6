"""Answers about films -> tables and CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.session import Film
from cxrkd.dashboard.tables import csv
from cxrkd.labels import display_name
from cxrkd.runs.answer import Answer


def answer_table(answer: Answer) -> pd.DataFrame:
    """One row a label, the first member's most probable on top: probabilities, differences, thresholds, verdicts."""
    frame = pd.DataFrame(answer.table())
    first = next(iter(answer.members))
    frame = frame.sort_values(f"{first}_prob", ascending=False, kind="stable")
    columns: dict[str, pd.Series] = {"Label": frame["label"].map(display_name)}
    for part, title in (("prob", "{}"), ("difference", "{} − teacher"), ("threshold", "{}: threshold")):
        names = {member: f"{member}_{part}" for member in answer.members}
        columns |= {
            title.format(MEMBER_NAMES[m]): frame[name].astype(float) for m, name in names.items() if name in frame
        }
    for member in answer.members:
        verdict = frame[f"{member}_positive"].map({True: "yes", False: "no"}).fillna("no threshold")
        columns[f"{MEMBER_NAMES[member]} says"] = verdict
    return pd.DataFrame(columns)


def in_percent(table: pd.DataFrame) -> Styler:
    """The table with every number as percent with one decimal, differences with a sign."""
    numbers = table.select_dtypes("number").columns
    form: dict[Any, str | Callable[[object], str] | None] = {
        name: "{:+.1%}" if "−" in name else "{:.1%}" for name in numbers
    }
    return table.style.format(form, na_rep="–")


def answers_summary(films: Sequence[Film], answers: Sequence[Answer]) -> pd.DataFrame:
    """One row a film: its true labels where they are known, and what each member finds."""
    rows = []
    for film, answer in zip(films, answers, strict=True):
        row: dict[str, object] = {"Film": film.name}
        if film.truth is not None:
            row["True labels"] = _some(film.truth)
        for member, said in answer.members.items():
            order = np.argsort(-said.probs, kind="stable")
            row[MEMBER_NAMES[member]] = _some([answer.labels[k] for k in order if said.positive[k]])
        rows.append(row)
    return pd.DataFrame(rows)


def _some(labels: Sequence[str], at_most: int = 3) -> str:
    """The first three names and how many more there are, so that a table cell holds them."""
    named = ", ".join(display_name(label) for label in labels[:at_most])
    more = f" and {len(labels) - at_most} more" if len(labels) > at_most else ""
    return named + more or "no finding"


def answers_csv(answers: Sequence[Answer]) -> bytes:
    """Every film, label and member: probability, threshold, verdict, difference, engine, latency, the gate's reason."""
    rows = []
    for answer in answers:
        about: dict[str, object] = {"file": answer.name}
        tail: dict[str, object] = {"warning": answer.warning, "reader_notes": "; ".join(answer.notes)}
        tail["gate"] = answer.gate.reason if answer.gate else ""
        for member, said in answer.members.items():
            tail |= {f"{member}_engine": said.engine, f"{member}_latency_ms": round(said.latency_ms, 3)}
        rows += [about | row | tail for row in answer.table()]
    return csv(pd.DataFrame(rows))
