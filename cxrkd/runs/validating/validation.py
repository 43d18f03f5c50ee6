"""A validation is a job folder beside the runs: what was asked, which films, who answered what, and the figures.

config.json       what was asked (`ValidationConfig`)
facts.json        what it was measured on, and by whom (`Facts`)
predictions/      cases.csv and <member>-seed<n>.npz, in the form of a run's; every film has the split test
metrics.json      figures, in the form of a run's; thresholds are those that the run chose on its validation films
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cxrkd.config import MEMBERS
from cxrkd.errors import RunError
from cxrkd.jobs.asked_job import AskedJob
from cxrkd.jobs.files import damaged, parsing, read_json, require_place_for_file
from cxrkd.jobs.job import list_jobs
from cxrkd.jobs.schema import read_recorded
from cxrkd.runs.metrics import VERSION as METRICS_VERSION
from cxrkd.runs.metrics import RunMetrics, measure
from cxrkd.runs.predictions import CASES, TRIVIAL, Answerer, HeldOut, Predictions, has_logits, read_held_out
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.runs.run import CONFIG, METRICS, Run, open_run
from cxrkd.runs.validating.config import ValidationConfig
from cxrkd.runs.validating.facts import VERSION as FACTS_VERSION
from cxrkd.runs.validating.facts import Facts

KIND = "validation"
FACTS = "facts.json"


@dataclass(frozen=True)
class Validation(AskedJob[ValidationConfig]):
    """One folder of a validation. Reading is lazy: nothing is opened before it is asked for."""

    ASKED, ASKS = CONFIG, ValidationConfig

    def require_current(self) -> None:
        """Refuse to go on where its run is gone or not finished.

        Raises:
            RunError: says which.
        """
        require_finished(self.run())

    @property
    def name(self) -> str:
        """What it is called."""
        return self.config.name

    def run(self) -> Run:
        """The run that it measures.

        Raises:
            RunError: the run is gone.
        """
        config = self.config
        try:
            return open_run(config.run_folder or config.run)
        except RunError as error:
            raise RunError(
                f"{self.id}: its run {config.run} is gone, so nothing more can be measured; restore the run, or delete "
                f"the validation: python -m cxrkd runs delete {self.id}"
            ) from error

    def facts(self) -> Facts:
        """What it was measured on, and who answered.

        Raises:
            RunError: it has not come that far, or the file is damaged.
        """
        return read_recorded(self.path / FACTS, FACTS_VERSION, Facts)

    def metrics(self) -> RunMetrics:
        """The measured figures: those stored, or of a file of another version, measured again.

        Raises:
            RunError: it has not come that far, a file is damaged, or its run is gone and has to be asked.
        """
        path = self.path / METRICS
        stored = read_json(path)
        if not isinstance(stored, dict) or stored.get("version") != METRICS_VERSION:
            return self.measure()
        try:
            return RunMetrics.from_dict(stored)
        except ValueError as error:
            raise damaged(path, str(error)) from error

    def measure(self) -> RunMetrics:
        """Every figure, from the kept answers and the validation films of the run.

        Raises:
            RunError: answers are missing or damaged, or the run is gone.
        """
        run, test = self.run(), self.test()
        archs = {member: arch for member, arch in run.archs().items() if member in test}
        return measure(HeldOut(run.labels, _val_of(run, test), test), archs)

    def test(self) -> dict[Answerer, Predictions]:
        """What everybody answered about the films, by member, and of the model without anatomy.

        Raises:
            RunError: answers are missing or damaged, or the run is gone, whose labels and seeds they have.
        """
        run, folder = self.run(), self.path / PREDICTIONS
        everyone: tuple[Answerer, ...] = (*MEMBERS, TRIVIAL)
        seeds = run.config.seeds
        who = [one for one in everyone if any(has_logits(self.path, one, seed) for seed in seeds)]
        for path in (folder / CASES, *(folder / f"{one}-seed{seed}.npz" for one in who for seed in seeds)):
            require_place_for_file(path)
        with parsing(folder):
            return dict(read_held_out(self.path, who, run.labels, seeds).test)


def _val_of(run: Run, test: Mapping[Answerer, Predictions]) -> dict[Answerer, Predictions]:
    """What the run keeps of its validation films, of the seeds that answered."""
    val = run.held_out().val
    return {who: of_seeds(val[who], one.seeds) for who, one in test.items() if who in val}


def of_seeds(predictions: Predictions, seeds: tuple[int, ...]) -> Predictions:
    """Those of some seeds, in the order of the predictions."""
    layers = [layer for layer, seed in enumerate(predictions.seeds) if seed in seeds]
    kept = tuple(predictions.seeds[layer] for layer in layers)
    return replace(predictions, logits=predictions.logits[layers], seeds=kept)


def require_finished(run: Run) -> None:
    """Refuse a run that cannot be measured yet.

    Raises:
        RunError: it is unreadable or not done.
    """
    state = run.require_readable()
    if state.status != "done":
        raise RunError(f"{run.id} is {state.status}; only a finished run can be measured on other films")


def measures(validation: Validation, run: Run) -> bool:
    """Whether a validation is about a run; False of one that cannot be read."""
    try:
        config = validation.config
    except RunError:
        return False
    if config.run_folder is not None:
        return os.path.realpath(config.run_folder) == os.path.realpath(run.path)
    return config.run == run.id and is_listed(run)


def is_listed(run: Run) -> bool:
    """Whether a run is found by its id alone."""
    try:
        return open_run(run.id).path.resolve() == run.path.resolve()
    except RunError:
        return False


def validations_of(run: Run) -> list[Validation]:
    """The validations of a run, finished or not: shipped ones first, then own ones, newest first.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    return [job for job in list_jobs() if isinstance(job, Validation) and measures(job, run)]
