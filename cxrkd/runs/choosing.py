"""Which run answers a film, which of its networks, and what has to be said beside their answers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cxrkd.config import READERS, DataConfig, Member
from cxrkd.errors import ConfigError, RunError
from cxrkd.runs.run import Run, list_runs, open_run
from cxrkd.runs.sample_films import films_of

PHANTOM_RESULT = "Measured on phantom radiographs, which are drawn by a program. They say nothing about patients."
PHANTOM_WARNING = (
    "This model was trained on phantoms (drawn radiographs) only. "
    "Its answer to a real radiograph has no medical meaning."
)


def finished_runs() -> list[Run]:
    """Runs that are done, the one that a newcomer should see first in front.

    Those that can show films come before those that cannot, and those that learned from patients before those that
    know drawn radiographs; of equals shipped ones by name, then newest. Damaged ones are last.
    """
    done = [run for run in list_runs() if run.state.status == "done"]
    return sorted(done, key=_place)


def _place(run: Run) -> tuple[bool, bool, bool, bool, str]:
    return (
        not _has_labels(run),
        not has_films(run),
        not knows_patients(run),
        not run.shipped,
        run.id if run.shipped else "",
    )


def _has_labels(run: Run) -> bool:
    try:
        return bool(run.labels)
    except RunError:
        return False


def has_films(run: Run) -> bool:
    """Whether there are films here to look at a run on, see `films_of`; False where the run cannot be read."""
    try:
        return films_of(run) is not None
    except RunError:
        return False


def knows_patients(run: Run) -> bool:
    """Whether a run learned from patients; False where its config cannot be read."""
    data = _data(run)
    return data is not None and not READERS[data.kind].drawn


def answering(chosen: Run, runs: Sequence[Run]) -> Run:
    """Who answers a film from outside: the chosen run, unless it knows phantoms only and another knows patients.

    Of several on the same patients it is the one whose distilled student measured best.
    """
    if chosen.config.data.kind != "phantom":
        return chosen
    real = [run for run in runs if knows_patients(run)]
    return max((run for run in real if _data(run) == _data(real[0])), key=_distilled_auroc, default=chosen)


def _distilled_auroc(run: Run) -> float:
    """Macro AUROC on test, mean over seeds; -inf where it is not known."""
    try:
        auroc = run.metrics().of("distilled").over_seeds.macro_auroc
    except RunError:
        return -math.inf
    return -math.inf if math.isnan(auroc) else auroc


def _data(run: Run) -> DataConfig | None:
    """What a run was made on; None where its config cannot be read."""
    try:
        return run.config.data
    except RunError:
        return None


def choose_run(id_or_path: str | None = None, *, for_films: bool = False) -> Run:
    """The run with that id, or without one the first finished run; for films from outside, the one to answer them.

    Raises:
        RunError: there is no such run, or no finished run at all.
    """
    if id_or_path is not None:
        return open_run(id_or_path)
    finished = finished_runs()
    if not finished:
        raise RunError("There is no finished run on this machine. Make one: python -m cxrkd distill --name first")
    return answering(finished[0], finished) if for_films else finished[0]


def choose_members(run: Run, asked: Sequence[str] | None = None) -> list[Member]:
    """The asked members of a run in the order of the run, by default all that it has.

    Raises:
        RunError: the run has no networks yet.
        ConfigError: it has no member of an asked name.
    """
    members = run.members()
    if not members:
        raise RunError(f"{run.id} has no trained networks yet (it is {run.state.status}); let it finish first.")
    if asked is not None and (not asked or not set(asked) <= set(members)):
        got = ", ".join(asked) or "none"
        raise ConfigError(f"Expected members of {run.id} among {', '.join(members)}, got {got}.")
    return [member for member in members if asked is None or member in asked]


def choose_both(run: Run, asked: Sequence[str] | None = None) -> list[Member]:
    """The asked members; unless told, the teacher and its student, the distilled one where there is one.

    Raises:
        RunError: the run has no networks yet.
        ConfigError: it has no member of an asked name.
    """
    members = choose_members(run, asked)
    return members if asked is not None or "distilled" not in members else [m for m in members if m != "alone"]


def warning_for(run: Run, real: bool) -> str:
    """What has to be said beside an answer of this run, empty when nothing has."""
    return PHANTOM_WARNING if real and run.config.data.kind == "phantom" else ""
