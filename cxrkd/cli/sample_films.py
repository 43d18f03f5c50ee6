"""Test films by their ids: those of a run's own data set where it is here, else those that ship. For `--sample`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cxrkd.errors import ConfigError
from cxrkd.labels import display_name
from cxrkd.text import number, shown

if TYPE_CHECKING:
    from cxrkd.images.film import Film
    from cxrkd.runs import Run

NOTHING = "Expected radiographs to look at, got none. Name files, or test films by --sample ID."
HELP = (
    "a test film by its id, of the run's own data set where that is on this machine, else of the films that ship "
    "(`data samples --kind samples` lists them)"
)


def add_sample(verb: argparse.ArgumentParser, *, several: bool) -> None:
    """The option, which may be repeated for several films."""
    if several:
        verb.add_argument("--sample", action="append", default=[], metavar="ID", help=f"{HELP}; may be repeated")
    else:
        verb.add_argument("--sample", metavar="ID", help=f"{HELP}, instead of a file")


def read_samples(run: Run, ids: Sequence[str]) -> tuple[list[Film], str]:
    """The films, with their truth, and what has to be said of them where they are not the run's own.

    Raises:
        ConfigError: the run has no films here, or a film is none of its test films.
        DataError: no film has such an id, or it cannot be read.
    """
    from cxrkd.data import load_cohort
    from cxrkd.runs.sample_films import about_shipped, films_of

    if not ids:
        return [], ""
    config = films_of(run)
    if config is None:
        raise ConfigError(
            f"{run.id} has no films on this machine: its data set is not here, and those that ship are of another "
            "source or other findings. Name files instead."
        )
    table = load_cohort(config)
    rows = [table.row_of(name) for name in ids]
    learned = [name for name, row in zip(ids, rows, strict=True) if table.split[row] != "test"]
    if learned:
        raise ConfigError(f"Expected a test film of {run.id}, got {shown(learned[0])}, which it was made with.")
    own = config == run.config.data
    provenance = "" if own else about_shipped(table, run.predictions(run.members()[0]).patients)
    return [table.film(row) for row in rows], provenance


def truth_lines(film: Film) -> list[str]:
    """What is known of a film, for people; nothing of a file."""
    if film.truth is None:
        return []
    findings = ", ".join(map(display_name, film.present or ()))
    return [f"  {film.truth.title}: {findings or ('not known' if film.present is None else 'no finding')}"]


def lesion_lines(members: Mapping[str, Any]) -> list[str]:
    """The same for people: how much of each member's evidence lies in the lesion, beside chance."""
    hits = {name: row["lesion"] for name, row in members.items() if "lesion" in row}
    return [
        f"  {name}: {number(hit['energy'], 2)} of its evidence inside the marked lesion, which is {hit['area']:.2f} of "
        f"the film; its peak is {'inside' if hit['hit'] else 'outside'}"
        for name, hit in hits.items()
    ]
