"""What is kept of a search.

<job>/search.json     what was asked
      search.db       Optuna's study, in SQLite: every trial, its settings and its AUROC after each epoch
      trials.json     the same as a table, once the search is done
      best.json       settings of a run that `distill --config` takes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from cxrkd.config.strict import Strict
from cxrkd.errors import ConfigError, CxrkdError, RunError
from cxrkd.jobs import queue
from cxrkd.jobs.asked_job import AskedJob
from cxrkd.jobs.job import list_own_jobs
from cxrkd.jobs.schema import read_recorded
from cxrkd.refusals import refusals
from cxrkd.runs.epochs import TellsOfTrainings
from cxrkd.runs.refusing import able_to_start, settle
from cxrkd.runs.run import open_run
from cxrkd.runs.searching.config import NETWORK, SearchConfig

KIND, ASKED, STORE, TRIALS, BEST = "search", "search.json", "search.db", "trials.json", "best.json"
VERSION = 1


class Trial(Strict):
    """One student of a search.

    Attributes:
        number: from 0.
        state: "complete", "pruned" (after an epoch worse than the median), or "failed" (settings that contradict one
            another, or a training that diverged).
        val_auroc: macro AUROC on val after the last epoch that it was trained for; None where there is none.
        epochs: that it was trained for.
        values: dotted key -> what was tried.
        message: why it failed; empty otherwise.
    """

    number: int = Field(ge=0)
    state: Literal["complete", "pruned", "failed"]
    val_auroc: float | None = Field(ge=0, le=1)
    epochs: int = Field(ge=0)
    values: dict[str, Any]
    message: str


class Trials(Strict):
    """All of them, in order."""

    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Search(TellsOfTrainings, AskedJob[SearchConfig]):
    """One search."""

    ASKED, ASKS = ASKED, SearchConfig

    def require_current(self) -> None:
        """Refuse to go on where the teacher is gone.

        Raises:
            RunError: there is no such run.
        """
        super().require_current()
        open_run(str(self.config.base.teacher_from))

    @property
    def store(self) -> Path:
        """Optuna's study."""
        return self.path / STORE

    def trials(self) -> tuple[Trial, ...]:
        """Every trial of a finished search, in order.

        Raises:
            RunError: it has not come that far, or the file is damaged.
        """
        return read_recorded(self.path / TRIALS, VERSION, Trials).trials


def best(trials: Sequence[Trial]) -> Trial | None:
    """The trial of the highest AUROC among those that were trained to the end; the first of equals."""
    whole = [trial for trial in trials if trial.state == "complete" and trial.val_auroc is not None]
    return max(whole, key=lambda trial: (trial.val_auroc or 0.0, -trial.number), default=None)


def create_search(config: SearchConfig) -> Search:
    """Make the folder of a search that nothing executes yet.

    Raises:
        CxrkdError: what stops it is known already (see `cxrkd.runs.refusing.settle`).
    """
    config = config.model_copy(update={"base": settle(config.base).config})
    _refuse_networks(config)
    return Search(queue.create(KIND, config.name, Search.asking(config)))


def _refuse_networks(config: SearchConfig) -> None:
    """Refuse a network, a size or weights that no trial could be of.

    Raises:
        ConfigError: says why.
    """
    tried = {key: config.ranges[key].ends for key in NETWORK if key in config.ranges}
    problems = {values: _problem(config, dict(zip(tried, values, strict=True))) for values in product(*tried.values())}
    for place, (key, ends) in enumerate(tried.items()):
        for end in ends:
            its = [problem for values, problem in problems.items() if values[place] == end]
            if all(its):
                raise ConfigError(f"Range of {key}: {its[0]}")


def _problem(config: SearchConfig, values: dict[str, Any]) -> str:
    """Why a trial of these values could not begin; empty where it could."""
    try:
        able_to_start(config.settings_with(values))
    except ValidationError as error:
        return " ".join(refusals(error, lambda key: key).values())
    except CxrkdError as error:
        return str(error)
    return ""


def asked_before(config: SearchConfig) -> Search | None:
    """The newest search of this machine that was asked exactly this, finished or not."""
    wanted = config.model_copy(update={"base": settle(config.base).config})
    return next((job for job in list_own_jobs() if isinstance(job, Search) and _asked(job) == wanted), None)


def _asked(job: Search) -> SearchConfig | None:
    try:
        return job.config
    except RunError:
        return None
