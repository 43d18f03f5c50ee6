"""Everything a run keeps, verified: read by its schema, held against its checksums and against its other files.

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
from cxrkd.jobs.job import holds_job, own_jobs
from cxrkd.jobs.lease import is_held
from cxrkd.jobs.locks import deciding
from cxrkd.runs.checking import looks
from cxrkd.runs.checking.finding import Finding
from cxrkd.runs.run import Run
from cxrkd.text import legible

REPAIR = "Repair it: python -m cxrkd runs check{} --repair"


def check_run(run: Run, *, repair: bool = False) -> list[Finding]:
    """Verify a run; with `repair`, put right what can be, unless it ships with the program or somebody executes it.

    What a repair makes readable is checked too. A run that is deleted meanwhile has nothing wrong.

    Returns:
        What is wrong, or was and is `fixed`; one finding a file.
    """
    run, found = Run(run.path), dict[str, Finding]()  # as its files are now, whatever was read before
    for finding in _look(run):
        if finding.file in found or not holds_job(run.path):
            continue
        found[finding.file] = _mended(finding, run) if repair else _told(finding, run)
    return list(found.values()) if holds_job(run.path) else []


def check_home(*, repair: bool = False) -> list[Finding]:
    """What killed processes left among the runs of this machine; with `repair` it is removed.

    Raises:
        RunError: the folder of runs cannot be written.
    """
    folder = own_jobs()
    if not folder.is_dir():
        return []
    with deciding(folder):
        found, swept = leftovers(folder), sweep(folder) if repair else []
    return [_left(legible(path.name), removed=path in swept) for path in found]


def _left(name: str, *, removed: bool) -> Finding:
    problem = f"{name}: a killed process left it behind"
    return Finding("", name, problem, fixed="removed") if removed else Finding("", name, problem, REPAIR.format(""))


def _mended(finding: Finding, run: Run) -> Finding:
    if finding.mend is None or run.shipped:
        return finding
    with deciding(own_jobs()):
        if is_held(run.path):
            return replace(finding, todo="It is being executed; check it again when it has ended.")
        try:
            fixed = finding.mend()
            relist(run.path / finding.file)
        except (CxrkdError, OSError) as error:
            return replace(finding, todo=f"It cannot be repaired: {error}")
    return replace(finding, todo="", fixed=fixed)


def _told(finding: Finding, run: Run) -> Finding:
    if finding.mend is None or run.shipped:
        return finding
    return replace(finding, todo=REPAIR.format(f" {run.id}"))


def _look(run: Run) -> Iterator[Finding]:
    """What is wrong, the settings first; later looks see what was mended after earlier ones."""
    yield from looks.settings(run)
    yield from looks.labels(run)
    yield from looks.standing(run)
    yield from looks.checksums(run)
    state = run.state
    if state.status != "unreadable":
        for member in MEMBERS:
            yield from looks.weights(run, member)
        asked = list(looks.answerers(run))
        wrong = [finding for who in asked for finding in looks.predictions(run, who)]
        yield from wrong
        if not wrong and asked:
            yield from looks.figures(run)
        yield from looks.maps(run)
    yield from looks.texts(run)
    if not state.active and not is_held(run.path):
        yield from looks.leftovers(run)
