"""What a watch has come to, in words, for the command line and pages."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from cxrkd.labels import display_name
from cxrkd.runs.watching.store import FilmRow, Totals
from cxrkd.text import number, percent

NOTHING_YET = "No film has come yet."


def running(totals: Totals, latest: Sequence[FilmRow]) -> str:
    """The figures that run along, in a line."""
    if not totals.films:
        return NOTHING_YET
    films = "1 film" if totals.films == 1 else f"{totals.films:,} films"
    waited, asked = (median(values) for values in zip(*((row.waited_s, row.asked_ms) for row in latest), strict=True))
    speed = f"answered {waited:.1f} s after they came, {asked:.0f} ms of it in the networks (median of {len(latest)})"
    return f"{films}, {agreement(totals)}; {speed}"


def agreement(totals: Totals) -> str:
    """How many of the calls agree, and the largest difference of a probability."""
    if not totals.judged:
        return "no finding that both can call"
    share = percent(totals.agreed / totals.judged)
    return f"{share} of {totals.judged:,} calls agree, largest difference {number(totals.largest)}"


def alarm(row: FilmRow) -> str:
    """Which network calls what on a film; empty where none calls anything."""
    calls = {member: ", ".join(map(display_name, labels)) for member, labels in row.called.items() if labels}
    if len(calls) == len(row.called) == 2 and len({frozenset(labels) for labels in row.called.values()}) == 1:
        return f"both: {next(iter(calls.values()))}"
    return "; ".join(f"{member}: {labels}" for member, labels in calls.items())


def passed_over(totals: Totals) -> str:
    """What was not answered; empty where everything was."""
    counts = {
        "the same picture again": totals.duplicates,
        "flagged as no chest film": totals.flagged,
        "not readable": totals.refused,
    }
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
