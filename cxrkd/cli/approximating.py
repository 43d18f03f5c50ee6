"""`evaluate --engine`: how good are the answers of an engine that computes in fewer digits?"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.cli.output import Report, Ticker, table
from cxrkd.text import interval

if TYPE_CHECKING:
    from cxrkd.runs import Run
    from cxrkd.runs.approximating import Approximation


def add_options(verb: argparse.ArgumentParser) -> None:
    """The option of the comparison."""
    verb.add_argument(
        "--engine",
        metavar="ENGINE",
        help="answer the run's test films by that engine and hold them against PyTorch's answers; with --write pages "
        "may choose it where it is good enough. --folder says where the run's data set is now",
    )


def call(run: Run, engine: str, folder: Path | None, *, keep: bool) -> Report:
    """Ask every network of the run.

    Args:
        run: finished.
        engine: a name.
        folder: where its data set is now; None where its config says.
        keep: write what was found into the run's folder.

    Raises:
        CxrkdError: the films are not here, there is no such engine, or nothing can be written.
    """
    from cxrkd.runs.approximating import approximate, keep_approximations
    from cxrkd.runs.reference import cohort_of
    from cxrkd.runtime.select import require_engine

    require_engine(engine)  # before thousands of films are read
    ticker = Ticker()
    ticker.tell("reading the test films")
    cohort = cohort_of(run, folder)
    cohort.prepare()
    measured = []
    for member in run.members():
        tell = partial(_tell, ticker, f"{member} on {engine}")
        measured.append(approximate(run, member, engine, cohort, tell))
    ticker.clear()
    if keep:
        keep_approximations(run, measured)
    document = {"run": run.id, "engine": engine, "kept": keep, "members": [_document(one) for one in measured]}
    return Report(document, _lines(run, engine, measured, keep))


def _tell(ticker: Ticker, what: str, done: int, of: int) -> None:
    ticker.tell(f"{what}: {done} of {of} films")


def _document(one: Approximation) -> dict[str, object]:
    return one.to_dict() | {"good_enough": one.good_enough}


def _lines(run: Run, engine: str, measured: list[Approximation], keep: bool) -> list[str]:
    from cxrkd.evaluate.paired import AS_GOOD
    from cxrkd.runs.approximating import LARGEST

    first = measured[0].difference
    rows = [[one.member, f"{one.largest:.2g}", _change(one), "yes" if one.good_enough else "no"] for one in measured]
    kept = "Kept with the run" if keep else "Not kept; with --write"
    return [
        f"{run.id}: {engine} against PyTorch on {first.n:,} test films of {first.n_patients} patients, first seed, "
        f"{first.n_labels} findings",
        *table(["network", "largest difference of a probability", "change of AUROC", "good enough"], rows),
        "",
        f"Good enough is a mean AUROC at most {AS_GOOD} below PyTorch's, by the lower end of the interval, and no "
        f"probability that moves by more than {LARGEST}. {kept}: pages may choose it where it is good enough.",
    ]


def _change(one: Approximation) -> str:
    apart = one.difference
    return interval(apart.macro_diff, apart.macro_low, apart.macro_high, digits=4, sign=True)
