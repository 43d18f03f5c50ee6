"""Watching: look, read what is whole, ask about what is new, write it down; until it is stopped, or once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cxrkd.access.confine import roots_now
from cxrkd.access.folders import UNREADABLE, reachable
from cxrkd.answers.answer import Answer
from cxrkd.answers.csv_file import AnswersFile
from cxrkd.answers.engines import AUTO, QUICK
from cxrkd.errors import DataError, ImageError, NotNowError, RunError
from cxrkd.images.apart.pool import AT_ONCE, READING
from cxrkd.images.files import bytes_of, film_of
from cxrkd.images.film import Film
from cxrkd.jobs.files import cannot_write, write_json
from cxrkd.jobs.reporter import Reporter
from cxrkd.progress import OnEvent
from cxrkd.runs.panel import Panel, panel_of
from cxrkd.runs.standing import standing
from cxrkd.runs.watching.arrivals import Arrival, Arrivals, GoneError, Signature, signature_of
from cxrkd.runs.watching.comparison import called, compared
from cxrkd.runs.watching.job import NOW, VERSION, WatchConfig, WatchJob
from cxrkd.runs.watching.store import FilmRow, Store
from cxrkd.runtime.compute import THREADS
from cxrkd.runtime.in_order import in_order

POLL_S = 0.5
SHARE_OF_TIME = 10
"""A look that takes long, as over a slow network, is followed by a pause of so many times its length."""
BETWEEN_LOOKS = 200
"""Files of a flood that are read before the folder is looked through again."""
SAY_NOW_S = 2.0
NAME = "The file"
"""What a reason calls a file: names may be of patients, and reasons are shown to visitors."""


def watch(job: WatchJob, report: Reporter) -> None:
    """Answer what comes into the folder of a watch, going on where it was stopped.

    Raises:
        RunError: the job's own folder, or the table, cannot be written.
        AnswerError: a network gives no number.
    """
    config, run = job.config, job.run()
    report.plan({"ready": 10.0, "watching": 1e6})
    with report.stage("ready", "Loading the networks"):
        # Who goes on for ever wins back the minute that it may take to find the fastest engine.
        engine = QUICK if config.engine == AUTO and config.once else config.engine
        panel = panel_of(run, config.members, engine, THREADS)
        READING.start()  # so that the first film does not wait for it
    with ExitStack() as open_files:
        store = open_files.enter_context(Store(job.path))
        table = open_files.enter_context(_table(config, panel, store))
        on_event = open_files.enter_context(report.stage("watching", "Watching"))
        _Watching(job, panel, store, table, on_event).go_on()


def _table(config: WatchConfig, panel: Panel, store: Store) -> AnswersFile | nullcontext[None]:
    """The CSV, cut back to what was committed: what a kill left behind the last commit is answered, and written, again.

    Raises:
        RunError: it cannot be written.
    """
    if config.csv is None:
        return nullcontext()
    standings = {member: standing(panel.run, member) for member in config.members}
    try:
        return AnswersFile(config.csv, standings, lambda name, digest: store.has(digest))
    except OSError as error:
        raise cannot_write(config.csv.parent, error) from error


@dataclass(frozen=True)
class _Read:
    """A file that was read: a film, or why there is none; neither where it changed or went meanwhile.

    `later` says that the reason is not the file's own.
    """

    arrival: Arrival
    film: Film | None = None
    reason: str = ""
    later: bool = False


class _Watching:
    """One execution of a watch."""

    def __init__(self, job: WatchJob, panel: Panel, store: Store, table: AnswersFile | None, on_event: OnEvent) -> None:
        self._job, self._config, self._panel = job, job.config, panel
        self._store, self._table, self._on_event = store, table, on_event
        self._arrivals = Arrivals(job.config.folder, self._settled)
        self._gone, self._noted = "", 0.0

    def go_on(self) -> None:
        """Look again and again; once means until nothing waits.

        Raises:
            DataError: the folder is gone, and once means not to wait for it.
        """
        read = partial(_read, self._config.folder, self._panel.run.config.data.image_size, roots_now())
        while True:
            began = time.monotonic()
            ready = self._look()
            if self._gone and self._config.once:
                raise DataError(f"{self._gone} The same command goes on when it is back.")
            pause = max(POLL_S, SHARE_OF_TIME * (time.monotonic() - began))
            self._note()
            for one in in_order(read, ready[:BETWEEN_LOOKS], AT_ONCE):
                self._deal_with(one)
                self._note()
            if self._config.once and not len(self._arrivals):
                return
            if not ready:
                time.sleep(pause)

    def _settled(self, name: str, signature: Signature) -> bool:
        """Whether a file needs no look; our own table never does, though it grows with each film."""
        return self._config.folder / name == self._config.csv or self._store.settled(name, signature)

    def _look(self) -> list[Arrival]:
        try:
            ready = self._arrivals.look()
            gone = ""
        except GoneError as error:
            ready, gone = [], str(error)
        if gone != self._gone:
            message = f"{gone} Waiting for it to come back." if gone else "The folder is back."
            self._on_event({"kind": "folder", "message": message})
            self._gone, self._noted = gone, 0.0
        return ready

    def _note(self) -> None:
        """Say that we live, for pages."""
        if time.monotonic() - self._noted > SAY_NOW_S:
            now = {"version": VERSION, "t": time.time(), "gone": self._gone, "waiting": len(self._arrivals)}
            write_json(self._job.path / NOW, now)
            self._noted = time.monotonic()

    def _deal_with(self, one: _Read) -> None:
        arrival, film, settled = one.arrival, one.film, self._store.pass_over
        if one.later and not self._config.once:
            self._arrivals.later(arrival)
        elif film is None and one.reason:
            if not self._arrivals.unread(arrival):
                settled(arrival.name, arrival.signature, "refused", one.reason)
                self._arrivals.settle(arrival)
        elif film is not None:
            if film.gate is not None and film.flagged and not self._config.force:
                settled(arrival.name, arrival.signature, "flagged", film.gate.reason, film.sha256)
                self._arrivals.settle(arrival)
            elif self._store.has(film.sha256):
                settled(arrival.name, arrival.signature, "duplicate", digest=film.sha256)
                self._arrivals.settle(arrival)
            else:
                self._answer(arrival, film)

    def _answer(self, arrival: Arrival, film: Film) -> None:
        began = time.perf_counter()
        (answer,) = self._panel.answers([film])
        asked_ms = (time.perf_counter() - began) * 1e3
        self._write(answer)
        row = FilmRow(
            number=0,
            digest=film.sha256,
            name=arrival.name,
            answered=time.time(),
            waited_s=self._arrivals.settle(arrival),
            asked_ms=asked_ms,
            comparison=compared(answer),
            called=called(answer),
            verdicts={str(member): answer.verdict(member) for member in answer.members},
        )
        self._store.add(row, arrival.signature)

    def _write(self, answer: Answer) -> None:
        """Before it is committed: a row too many is cut off after a kill, one too few would be lost."""
        if self._table is None:
            return
        try:
            self._table.add(answer)
        except OSError as error:
            raise RunError(f"The table cannot be written ({error.strerror or error}). Free some space.") from error


def _read(folder: Path, size: int, roots: Sequence[Path] | None, arrival: Arrival) -> _Read:
    """A film, read in a process with limits of time and memory, if its file stayed as it was meanwhile."""
    path = folder / arrival.name
    if roots is not None and not reachable(path, roots):
        return _Read(arrival, reason=UNREADABLE)
    try:
        film = film_of(bytes_of(path), NAME, size, apart=True)
        seen = _Read(arrival, film=replace(film, name=str(path)))
    except ImageError as error:
        reason = str(error).replace(str(path), NAME.lower())
        seen = _Read(arrival, reason=reason, later=isinstance(error, NotNowError))
    try:
        return seen if signature_of(path.stat()) == arrival.signature else _Read(arrival)
    except OSError:
        return _Read(arrival)
