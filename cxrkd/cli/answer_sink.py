"""Where answers go as they come: a table on disk, lines for people, a document for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import Failure, writing

if TYPE_CHECKING:
    from cxrkd.answers.answer import Answer
    from cxrkd.answers.csv_file import AnswersFile
    from cxrkd.answers.verdict import Standing
    from cxrkd.config import Member

FEW = 50
"""Films whose tables people can read; of more that stand in a CSV only their number is printed."""
SENTENCES = 20
"""Files that could not be used and are named one by one on stderr."""


class Sink:
    """Keeps no film in memory: of an answer what is printed, of many in a table nothing.

    Args:
        path: of the table; None for none.
        standings: how far each member can be relied on.
        go_on: keep the films that the table has already.
        as_json: the document is wanted, which holds every answer.

    Raises:
        ConfigError: the table cannot be written, or is of other networks.
    """

    def __init__(self, path: Path | None, standings: Mapping[Member, Standing], *, go_on: bool, as_json: bool) -> None:
        self._path, self._as_json, self._done = path, as_json, ExitStack()
        self._file: AnswersFile | None = self._opened(path, standings, go_on) if path else None
        self.names = frozenset(self._file.names) if self._file else frozenset()
        self.lines: list[str] = []
        self.documents: list[dict[str, Any]] = []
        self.failures: list[Failure] = []
        self.n = 0

    def _opened(self, path: Path, standings: Mapping[Member, Standing], go_on: bool) -> AnswersFile:
        from cxrkd.answers.csv_file import AnswersFile

        with writing(path):
            return self._done.enter_context(AnswersFile(path, standings, (lambda *_: True) if go_on else None))

    def add(self, answer: Answer, lines: Callable[[Answer], list[str]]) -> None:
        """Write an answer down.

        Raises:
            ConfigError: the table cannot be written.
        """
        self.n += 1
        if self._file and self._path:
            with writing(self._path):
                self._file.add(answer)
        if self._as_json:
            self.documents.append(answer.to_dict())
        elif self._path is None or self.n <= FEW:
            self.lines += lines(answer)
        if self._path is not None and self.n > FEW:
            self.lines.clear()

    def summary(self) -> list[str]:
        """What is said of a table; nothing without one."""
        if self._path is None:
            return []
        before = f", {len(self.names):,} were there" if self.names else ""
        return [f"{self.n:,} films answered{before}: {self._path}"]

    def sentences(self) -> Sequence[str]:
        """Why files were not answered, one by one where they are few."""
        first = [failure.error for failure in self.failures[:SENTENCES]]
        left = len(self.failures) - len(first)
        return [*first, f"{left:,} more files could not be used; --json names each with its reason."] if left else first

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.close()
