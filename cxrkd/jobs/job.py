"""A job is a folder that works, whatever its kind: what can be asked of all of them, and where they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cxrkd.errors import CxrkdError, RunError
from cxrkd.jobs.events import EVENTS, event_sentence, parse_event, read_events
from cxrkd.jobs.files import MissingFileError, damaged, read_bytes, read_versioned, write_json
from cxrkd.jobs.state import LAST_S, STATE, JobState, read_state
from cxrkd.places import ASSETS, home
from cxrkd.progress import Event
from cxrkd.registry import Entry, Registry
from cxrkd.text import legible, shown

SHIPPED = ASSETS / "runs"
KIND, LOG, ENVIRONMENT = "job.json", "log.txt", "environment.json"
KIND_VERSION = ENVIRONMENT_VERSION = 1
DISTILLATION = "distillation"
"""The kind of a folder that does not say which: there was no other once."""


@dataclass(frozen=True, kw_only=True)
class Kind(Entry):
    """A kind of job.

    Attributes:
        entry_point: `module:class` of its jobs, a subclass of `Job`; imported when such a job is opened.
        executes: `module:function` that does all that a job was told, going on where it was stopped; imported when one
            is executed. It takes the job and a `cxrkd.jobs.reporter.Reporter`, which it tells first what it plans, and
            raises a `CxrkdError` for what the user can act on. Both stand on floors above this one.
        signs: names of files and folders by which a folder is one of this kind, be the others lost.
        in_queue: it waits its turn; one that goes on until it is stopped has a process of its own instead.
    """

    entry_point: str
    executes: str
    signs: tuple[str, ...] = ()
    in_queue: bool = True

    def open(self, path: Path) -> Job:
        """The job in a folder; nothing is read yet."""
        job: Job = _imported(self.entry_point)(path)
        return job

    def work(self, job: Job, report: object) -> None:
        """Do all that a job was told; see `executes`."""
        _imported(self.executes)(job, report)


def _imported(entry_point: str) -> Any:
    module, _, name = entry_point.partition(":")
    return getattr(import_module(module), name)


KINDS: Registry[Kind] = Registry("kind of job", "cxrkd.jobs.kinds", first=(DISTILLATION,))


def own_jobs() -> Path:
    """Folder of the jobs made on this machine."""
    return home() / "runs"


@dataclass(frozen=True)
class Job:
    """One folder. Reading is lazy: nothing is opened before it is asked for. A kind says what is done in it."""

    path: Path

    @property
    def id(self) -> str:
        """Name of the folder; unique among the jobs of a machine."""
        return legible(self.path.name)

    @property
    def shipped(self) -> bool:
        """Whether it came with the package; such jobs are read-only."""
        return self.path.parent.resolve() == SHIPPED

    @property
    def state(self) -> JobState:
        """Where it stands now, read from disk each time.

        It is "unreadable", with the reason as its message, where its own files cannot be read: lists stay whole.
        """
        stored = JobState("unreadable", created=self._touched())
        try:
            stored = read_state(self.path)
            self.require_settings()
        except CxrkdError as error:
            return stored.at_rest("unreadable", stage="", message=str(error))
        return stored

    def _touched(self) -> float:
        try:
            return min(max(os.lstat(self.path).st_mtime, 0.0), LAST_S)
        except OSError:
            return 0.0

    def require_readable(self) -> JobState:
        """Its state, for whoever is going to change it.

        Raises:
            RunError: it is unreadable; the reason.
        """
        state = self.state
        if state.status == "unreadable":
            raise RunError(state.message)
        return state

    @property
    def kind(self) -> Kind | None:
        """What kind of job it is; None where that cannot be known here."""
        try:
            return KINDS[kind_of(self.path)]
        except CxrkdError:
            return None

    def events(self) -> list[Event]:
        """Everything that happened, oldest first, without lines that are torn or hold what no such job writes."""
        return [event for event in read_events(self.path / EVENTS) if self.writes(event)]

    def event_in(self, line: bytes) -> Event | None:
        """The event of a line; None where `events` leaves it out."""
        event = parse_event(line)
        return event if event is not None and self.writes(event) else None

    def writes(self, event: Event) -> bool:
        """Whether an event holds what a job of this kind writes; what is true of any job is known already."""
        return True

    def sentence(self, event: Event) -> str:
        """What the log says of an event."""
        return event_sentence(event)

    def log_tail(self, n: int = 200) -> list[str]:
        """The last `n` lines of its log; empty when it has none."""
        try:
            text = read_bytes(self.path / LOG).decode("utf-8", "replace")
        except MissingFileError:
            return []
        return text.splitlines()[-n:]

    def environment(self) -> dict[str, Any]:
        """What it was made with, and seconds per stage.

        Raises:
            RunError: it is not done, or the file is damaged.
        """
        return read_versioned(self.path / ENVIRONMENT, ENVIRONMENT_VERSION)

    def summary(self) -> dict[str, str]:
        """What lists say of it beside what is true of any job; nothing by default."""
        return {}

    def require_settings(self) -> None:
        """Read what it was told.

        Raises:
            RunError: that cannot be read, or this program knows no such kind of job.
        """
        kind = kind_of(self.path)
        if kind not in KINDS:
            raise RunError(f"{self.id} is no job that this cxrkd knows ({KINDS.unknown(kind)}) Update cxrkd.")

    def require_current(self) -> None:
        """Refuse to go on with a job that was asked for when less was refused.

        Raises:
            RunError: it would be refused today; says why.
        """
        self.require_settings()


def kind_of(path: Path) -> str:
    """The name of the kind of the job in a folder.

    Raises:
        RunError: the file that says so is damaged, or a newer version wrote it.
    """
    try:
        kind = read_versioned(path / KIND, KIND_VERSION).get("kind")
    except MissingFileError:
        return DISTILLATION
    if not isinstance(kind, str) or not kind:
        raise damaged(path / KIND, f"expected the name of a kind, got {shown(kind)}")
    return kind


def write_kind(folder: Path, kind: str) -> None:
    """Write down which kind of job a folder is.

    Raises:
        RunError: the folder cannot be written.
    """
    write_json(folder / KIND, {"version": KIND_VERSION, "kind": kind})


def job_in(path: Path) -> Job:
    """The job in a folder; one whose kind cannot be known is opened too, and is unreadable."""
    try:
        kind = kind_of(path)
    except RunError:
        return Job(path)
    return KINDS[kind].open(path) if kind in KINDS else Job(path)


def list_jobs() -> list[Job]:
    """Every job: shipped ones first, then own ones, newest first. Those that cannot be read are among them.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    return _in_folder(SHIPPED) + list_own_jobs()


def list_own_jobs() -> list[Job]:
    """Every job made on this machine, newest first.

    Raises:
        RunError: the folder of jobs cannot be read.
    """
    return _in_folder(own_jobs())


def holds_job(path: Path) -> bool:
    """Whether a folder is a job, be it readable or not: it has a file of one, or hides what it has."""
    if path.name.startswith("."):
        return False
    if not os.path.isdir(path):
        return path.is_symlink() and not os.path.exists(path)
    return not os.access(path, os.R_OK | os.X_OK) or any(os.path.lexists(path / sign) for sign in _signs())


def _signs() -> tuple[str, ...]:
    return (STATE, EVENTS, ENVIRONMENT, KIND, *(sign for kind in KINDS.values() for sign in kind.signs))


def _in_folder(folder: Path) -> list[Job]:
    try:
        jobs = [job_in(path) for path in folder.iterdir() if holds_job(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot read the runs in {folder} ({error.strerror or error}). Check its rights.") from error
    states = [(job.state, job) for job in jobs]
    kept = [(state, job) for state, job in states if state.status != "unreadable" or holds_job(job.path)]  # not deleted
    return [job for _, job in sorted(kept, key=lambda item: (*(-part for part in item[0].turn), item[1].id))]


def open_job(id_or_path: str | Path) -> Job:
    """A job by its id, or by its folder; one that cannot be read is opened too.

    Raises:
        RunError: there is none; lists those there are.
    """
    text = str(id_or_path)
    by_id = [folder / text for folder in (SHIPPED, own_jobs())] if text == Path(text).name else []
    for path in [*by_id, Path(id_or_path)]:
        if _may_hold_job(path):
            # The name stays as it is: a link among the jobs is deleted as a link.
            return job_in(path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve())
    jobs = list_jobs()
    escaped = next((job for job in jobs if job.id == text), None)
    if escaped is not None:
        return escaped
    known = ", ".join(job.id for job in jobs) or "none"
    raise RunError(f"expected the id or the folder of a run, got {shown(text)}; runs on this machine: {known}")


def _may_hold_job(path: Path) -> bool:
    try:
        return holds_job(path)
    except (OSError, ValueError):  # a name too long for any file, or with a NUL
        return False
