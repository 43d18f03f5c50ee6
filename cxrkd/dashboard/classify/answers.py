"""Answers about films -> sentences, tables and CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from cxrkd.answers.answer import Answer, MemberAnswer
from cxrkd.answers.verdict import Standing, not_judged, partly_judged
from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard.efficiency.costs import engine_name
from cxrkd.dashboard.tables import with_interval
from cxrkd.labels import display_name

Standings = Mapping[Member, Standing]
NOT_JUDGED = "not judged"


def aurocs(known: Standing) -> list[str]:
    """AUROC of each label with its interval, as text; says so where there are not enough cases."""
    return [with_interval(*figures) for figures in zip(known.auroc, known.low, known.high, strict=True)]


def judged(standings: Standings) -> list[int]:
    """Columns of the labels that any of the members can call."""
    folded = not_judged(standings)
    return [k for k, label in enumerate(next(iter(standings.values())).labels) if label not in folded]


def how_long(member_answer: MemberAnswer) -> str:
    """`9.1 ms with OpenVINO`; the first calls are not a latency, so there may be none yet."""
    engine, ms = engine_name(member_answer.engine), member_answer.latency_ms
    return f"with {engine}, not timed yet" if math.isnan(ms) else f"{ms:.1f} ms with {engine}"


def answer_table(answer: Answer, standings: Standings) -> pd.DataFrame:
    """One row a judged label, the first member's most probable on top.

    Columns: probabilities, verdicts, differences, thresholds, how good each member is at the label, and the film.
    """
    frame = pd.DataFrame(answer.table())
    first = next(iter(answer.members))
    frame = frame.loc[judged(standings)].sort_values(f"{first}_prob", ascending=False, kind="stable")
    columns: dict[str, pd.Series] = {"Label": frame["label"].map(display_name)}
    columns |= _numbers(answer, frame, "prob", "{}")
    for member in answer.members:
        verdict = frame[f"{member}_positive"].map({True: "yes", False: "no"}).fillna(NOT_JUDGED)
        columns[f"{MEMBER_NAMES[member]} says"] = verdict
    columns |= _numbers(answer, frame, "difference", "{} − teacher") | _numbers(
        answer, frame, "threshold", "{}: threshold"
    )
    columns |= _skill(standings, frame)
    return pd.DataFrame(columns | {"Film": pd.Series(answer.film.name, frame.index)})


def not_judged_table(answer: Answer, standings: Standings) -> pd.DataFrame:
    """One row a label that none of the members can call: why not, probabilities, how good each is at it, the film."""
    frame, reasons = pd.DataFrame(answer.table()), not_judged(standings)
    frame = frame[frame["label"].isin(list(reasons))]
    columns: dict[str, pd.Series] = {"Finding": frame["label"].map(display_name), "Why": frame["label"].map(reasons)}
    columns |= _numbers(answer, frame, "prob", "{}") | _skill(standings, frame)
    return pd.DataFrame(columns | {"Film": pd.Series(answer.film.name, frame.index)})


def _numbers(answer: Answer, frame: pd.DataFrame, part: str, title: str) -> dict[str, pd.Series]:
    names = {member: f"{member}_{part}" for member in answer.members}
    return {title.format(MEMBER_NAMES[m]): frame[name].astype(float) for m, name in names.items() if name in frame}


def _skill(standings: Standings, frame: pd.DataFrame) -> dict[str, pd.Series]:
    return {f"{MEMBER_NAMES[m]}: AUROC": pd.Series(aurocs(s)).loc[frame.index] for m, s in standings.items()}


def partly_judged_sentences(standings: Standings) -> list[str]:
    """A sentence for each label that one member can call and another cannot."""
    return [
        f"{display_name(label)} is not judged by the {MEMBER_NAMES[member].lower()}: {reason}."
        for label, reasons in partly_judged(standings).items()
        for member, reason in reasons.items()
    ]


def in_percent(table: pd.DataFrame) -> Styler:
    """The table with every number as percent with one decimal, differences with a sign."""
    numbers = table.select_dtypes("number").columns
    form: dict[Any, str | Callable[[object], str] | None] = {
        name: "{:+.1%}" if "−" in name else "{:.1%}" for name in numbers
    }
    return table.style.format(form, na_rep="–")


def answers_summary(answers: Sequence[Answer]) -> pd.DataFrame:
    """One row a film: its true labels where they are known, and what each member says, at most three names."""
    rows = []
    for answer in answers:
        row: dict[str, object] = {"Film": answer.film.name}
        if answer.film.truth is not None and answer.film.present is not None:
            row[answer.film.truth.title] = _some(answer.film.present)
        row |= {MEMBER_NAMES[member]: answer.verdict(member, at_most=3) for member in answer.members}
        rows.append(row)
    return pd.DataFrame(rows)


def _some(labels: Sequence[str], at_most: int = 3) -> str:
    """The first three names and how many more there are, so that a table cell holds them."""
    named = ", ".join(display_name(label) for label in labels[:at_most])
    more = f" and {len(labels) - at_most} more" if len(labels) > at_most else ""
    return named + more or "no finding"
