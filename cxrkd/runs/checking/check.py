"""Everything a job keeps, verified: read by its schema, held against its checksums and against its other files.

What the other files tell can be repaired: where a run stands, its labels, its figures, torn lines, leftovers. Settings,
weights and predictions are told by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cxrkd.checksums import relist
from cxrkd.config import MEMBERS
from cxrkd.errors import CxrkdError
from cxrkd.jobs.folders import leftovers, sweep
from cxrkd.jobs.job import Job, holds_job, job_in, own_jobs
from cxrkd.jobs.lease import is_held
from cxrkd.jobs.locks import deciding
from cxrkd.runs.checking import looks
from cxrkd.runs.checking.finding import Finding
from cxrkd.runs.run import Run
from cxrkd.runs.validating.validation import Validation
from cxrkd.text import legible

REPAIR = "Repair it: python -m cxrkd runs check{} --repair"


def check_job(job: Job, *, repair: bool = False) -> list[Finding]:
    """Verify a job; with `repair`, put right what can be, unless it ships with the program or somebody executes it.

    What a repair makes readable is checked too. A job that is deleted meanwhile has nothing wrong.

    Returns:
        What is wrong, or was and is `fixed`; one finding a file.
    """
    job, findings = job_in(job.path), dict[str, Finding]()  # as its files are now, whatever was read before
    for finding in _look(job):
        known = finding.file in findings or finding.problem in {one.problem for one in findings.values()}
        if known or not holds_job(job.path):
            continue
        findings[finding.file] = _mended(finding, job) if repair else _unmended(finding, job)
    return list(findings.values()) if holds_job(job.path) else []


def check_home(*, repair: bool = False) -> list[Finding]:
    """What killed processes left among the runs of this machine; with `repair` it is removed.

    Raises:
        RunError: the folder of runs cannot be written.
    """
    folder = own_jobs()
    if not folder.is_dir():
        return []
    with deciding(folder):
        left, swept = leftovers(folder), sweep(folder) if repair else []
    return [_left(legible(path.name), removed=path in swept) for path in left]


def _left(name: str, *, removed: bool) -> Finding:
    problem = f"{name}: a killed process left it behind"
    return Finding("", name, problem, fixed="removed") if removed else Finding("", name, problem, REPAIR.format(""))


def _mended(finding: Finding, job: Job) -> Finding:
    if finding.mend is None or job.shipped:
        return finding
    with deciding(own_jobs()):
        if is_held(job.path):
            return replace(finding, todo="It is being executed; check it again when it has ended.")
        try:
            fixed = finding.mend()
            relist(job.path / finding.file)
        except (CxrkdError, OSError) as error:
            return replace(finding, todo=f"It cannot be repaired: {error}")
    return replace(finding, todo="", fixed=fixed)


def _unmended(finding: Finding, job: Job) -> Finding:
    if finding.mend is None or job.shipped:
        return finding
    return replace(finding, todo=REPAIR.format(f" {job.id}"))


def _look(job: Job) -> Iterator[Finding]:
    """What is wrong, the settings first; later looks see what was mended after earlier ones."""
    run = job if isinstance(job, Run) else None
    yield from looks.settings(job)
    if run:
        yield from looks.labels(run)
    yield from looks.standing(job)
    yield from looks.checksums(job)
    state = job.state
    if run and state.status != "unreadable":
        yield from _look_at_networks(run)
    if isinstance(job, Validation):
        yield from looks.validation(job)
    yield from looks.texts(job)
    yield from looks.documents(job)
    if not state.active and not is_held(job.path):
        yield from looks.leftovers(job)


def _look_at_networks(run: Run) -> Iterator[Finding]:
    """What is wrong with weights, predictions, figures and maps."""
    for member in MEMBERS:
        yield from looks.weights(run, member)
    asked = list(looks.answerers(run))
    wrong = [finding for who in asked for finding in looks.predictions(run, who)]
    yield from wrong
    if not wrong and asked:
        yield from looks.figures(run)
    yield from looks.maps(run)
    yield from looks.films(run)
    yield from looks.engines(run)
