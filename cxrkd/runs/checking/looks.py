"""One look at each thing that a job, and a run, keeps: what is wrong with it, and how it can be put right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from cxrkd.atomic import PART
from cxrkd.checksums import check
from cxrkd.config import MEMBERS, Member
from cxrkd.errors import CxrkdError, RunError
from cxrkd.jobs.events import EVENTS
from cxrkd.jobs.files import MissingFileError, NewerFileError, read_bytes, read_json, require_file
from cxrkd.jobs.job import ENVIRONMENT, KIND, LOG, Job
from cxrkd.jobs.lease import LEASE
from cxrkd.jobs.state import STATE, read_state
from cxrkd.runs.approximating import FILE as ENGINES_KEPT
from cxrkd.runs.approximating import kept_approximations
from cxrkd.runs.checking import mends
from cxrkd.runs.checking.finding import RESTORE, Finding
from cxrkd.runs.metrics import same_figures
from cxrkd.runs.predictions import FOLDER as PREDICTIONS
from cxrkd.runs.predictions import TRIVIAL, Answerer
from cxrkd.runs.reference import FILE as REFERENCE
from cxrkd.runs.reference import read_reference
from cxrkd.runs.run import CONFIG, LABELS, METRICS, Run
from cxrkd.runs.seen import FILE as SEEN
from cxrkd.runs.seen import read_seen
from cxrkd.runs.validating.validation import FACTS, Validation
from cxrkd.text import legible

ASK_AGAIN = "Restore it from a copy, or delete the validation and ask again."
NOTHING_ELSE = "Nothing else tells the settings of a run; without a copy, delete it."


def settings(job: Job) -> Iterator[Finding]:
    """Whether its settings can be read."""
    try:
        job.require_settings()
    except RunError as error:
        yield Finding(job.id, CONFIG if isinstance(job, Run | Validation) else KIND, str(error), NOTHING_ELSE)


def standing(job: Job) -> Iterator[Finding]:
    """Whether it says where it stands."""
    try:
        read_state(job.path)
    except NewerFileError as error:
        yield Finding(job.id, STATE, str(error))
    except RunError as error:
        yield Finding(job.id, STATE, str(error), mend=partial(mends.stand_again, job))


def checksums(job: Job) -> Iterator[Finding]:
    """Whether files are what they were when they were written."""
    for folder, _, names in os.walk(job.path):
        for path in sorted(Path(folder) / name for name in names):
            if path.name.startswith("."):
                continue
            try:
                check(require_file(path))
            except RunError as error:
                if _tells_itself(job, path):
                    yield Finding(job.id, _relative(job, path), str(error), RESTORE)


def _tells_itself(job: Job, path: Path) -> bool:
    """Whether nothing else is said about a file: small ones are read below, by more than their bytes."""
    return path.parent != job.path or path.name not in (STATE, LABELS, METRICS, ENVIRONMENT, EVENTS, CONFIG)


def _relative(job: Job, path: Path) -> str:
    return legible(path.relative_to(job.path).as_posix())


def labels(run: Run) -> Iterator[Finding]:
    """Whether it names what its networks answer."""
    if not os.path.lexists(run.path / LABELS) and run.state.status != "done" and not run.members():
        return  # it has not come that far
    try:
        _ = run.labels
    except RunError as error:
        yield Finding(run.id, LABELS, str(error), mend=partial(mends.label_again, run))


def weights(run: Run, member: Member) -> Iterator[Finding]:
    """Whether a member's network can be loaded, and is the one that the settings name."""
    path = run.weights_path(member)
    name = f"models/{path.name}"
    if not os.path.lexists(path):
        if run.state.status == "done" and member in mends.expected_members(run):
            yield Finding(run.id, name, f"{run.id}: {name} is missing", RESTORE)
        return
    try:
        model = run.load_model(member)
        config, size = run.config, run.config.data.image_size
        wanted = (config.teacher_arch, size) if member == "teacher" else (config.student_arch, config.student_works_at)
    except CxrkdError as error:
        yield Finding(run.id, name, str(error), RESTORE)
        return
    got = (model.arch, model.works_at)
    if got != wanted:
        which = "network" if got[0] != wanted[0] else "size that it looks at"
        yield Finding(run.id, name, f"{run.id}: {name} has another {which} than the run's settings say", RESTORE)


def answerers(run: Run) -> Iterator[Answerer]:
    """Whose predictions there should be."""
    done, everyone = run.state.status == "done", set(mends.expected_members(run))
    for who in (*MEMBERS, TRIVIAL):
        if (done and who in everyone) or run.has_predictions(who):
            yield who


def predictions(run: Run, who: Answerer) -> Iterator[Finding]:
    """Whether answers on the test images are there and fit the list of images."""
    seeds = run.config.seeds if who in ("alone", "distilled") else run.config.seeds[:1]
    name = f"predictions/{who}-seed{seeds[0]}.npz"
    try:
        test = run.predictions(who)
    except CxrkdError as error:
        yield Finding(run.id, name, str(error), "" if "Restore" in str(error) else RESTORE)
        return
    lost = set(seeds) - set(test.seeds)
    if lost and run.state.status == "done":
        name = f"predictions/{who}-seed{min(lost)}.npz"
        yield Finding(run.id, name, f"{run.id}: {name} is missing", RESTORE)


def figures(run: Run) -> Iterator[Finding]:
    """Whether the stored figures follow from the predictions."""
    if run.state.status != "done":
        return

    try:
        measured = run.measure()
    except CxrkdError as error:
        yield Finding(run.id, METRICS, f"{run.id}: nothing can be measured ({error})", RESTORE)
        return
    try:
        if not run.metrics_are_current() or same_figures(run.metrics().to_dict(), measured.to_dict()):
            return
        problem = f"{run.id}: {METRICS} has other figures than follow from the predictions"
    except RunError as error:
        problem = str(error)
    yield Finding(run.id, METRICS, problem, mend=partial(mends.measure_again, run, measured))


def maps(run: Run) -> Iterator[Finding]:
    """Whether the maps that agreement is held against can be read."""

    def read() -> None:
        require_file(run.path / REFERENCE)
        for method in ("gradcam", "gradcam++"):
            read_reference(run, method)

    return _made_by_reference(run, REFERENCE, read)


def films(run: Run) -> Iterator[Finding]:
    """Whether the list of the films that it was made from can be read."""
    return _made_by_reference(run, SEEN, lambda: read_seen(run))


def _made_by_reference(run: Run, name: str, read: Callable[[], object]) -> Iterator[Finding]:
    """Whether a file that the command `reference` writes can be read, where there is one."""
    if os.path.lexists(run.path / name):
        try:
            read()
        except CxrkdError as error:
            yield Finding(run.id, name, str(error), f"Make it again: python -m cxrkd reference {run.id}")


def engines(run: Run) -> Iterator[Finding]:
    """Whether what was measured of engines can be read."""
    try:
        kept_approximations(run)
    except CxrkdError as error:
        todo = f"Remove it, or measure again: python -m cxrkd evaluate {run.id} --engine ENGINE --write"
        yield Finding(run.id, ENGINES_KEPT, str(error), todo)


def validation(job: Validation) -> Iterator[Finding]:
    """Whether what a finished validation measured can be read, and follows from its answers where its run is here."""
    if job.state.status != "done":
        return
    for name, read in ((FACTS, job.facts), (METRICS, job.metrics)):
        try:
            read()
        except CxrkdError as error:
            yield Finding(job.id, name, str(error), ASK_AGAIN)
            return
    try:
        job.run()
    except CxrkdError as error:
        yield Finding(job.id, CONFIG, str(error))
        return
    try:
        measured = job.measure()
    except CxrkdError as error:
        yield Finding(job.id, PREDICTIONS, f"{job.id}: nothing can be measured ({error})", ASK_AGAIN)
        return
    if not same_figures(job.metrics().to_dict(), measured.to_dict()):
        problem = f"{job.id}: {METRICS} has other figures than follow from the predictions"
        yield Finding(job.id, METRICS, problem, ASK_AGAIN)


def documents(job: Job) -> Iterator[Finding]:
    """Whether what it keeps as JSON beside all that is read by a look of its own is JSON at all."""
    for path in sorted(job.path.glob("[!.]*.json")):
        try:
            read_json(path)
        except RunError as error:
            yield Finding(job.id, _relative(job, path), str(error), RESTORE)


def texts(job: Job) -> Iterator[Finding]:
    """Whether it can be read what the run was made with and what happened."""
    try:
        job.environment()
    except MissingFileError:
        if os.path.lexists(job.path / ENVIRONMENT):
            yield Finding(
                job.id,
                ENVIRONMENT,
                f"{job.id}: {ENVIRONMENT} is a link to nothing",
                mend=partial(mends.drop_environment, job),
            )
    except NewerFileError as error:
        yield Finding(job.id, ENVIRONMENT, str(error))
    except RunError as error:
        yield Finding(job.id, ENVIRONMENT, str(error), mend=partial(mends.drop_environment, job))
    for name in (EVENTS, LOG):
        try:
            data = read_bytes(job.path / name)
        except MissingFileError:
            continue
        except RunError as error:
            yield Finding(job.id, name, str(error), f"Move {name} away; the run does without it.")
            continue
        torn = sum(job.event_in(line) is None for line in data.splitlines() if line.strip()) if name == EVENTS else 0
        if torn:
            yield Finding(
                job.id, name, f"{job.id}: {torn} lines of {name} are torn", mend=partial(mends.keep_whole_events, job)
            )


def leftovers(job: Job) -> Iterator[Finding]:
    """What killed processes left in its folder."""
    torn = [path for path in job.path.rglob("*") if path.name.startswith(PART)]
    torn += [job.path / LEASE] if os.path.lexists(job.path / LEASE) else []
    torn += [job.path / "work"] if job.state.status == "done" and os.path.lexists(job.path / "work") else []
    for path in torn:
        name = _relative(job, path)
        yield Finding(job.id, name, f"{job.id}: {name} was left by a killed process", mend=partial(mends.clear, path))
