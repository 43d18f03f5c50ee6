"""Jobs whose folder holds what they were asked, in one file that a schema describes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from cxrkd.config.strict import Strict
from cxrkd.jobs.job import Job
from cxrkd.jobs.schema import read_recorded

C = TypeVar("C", bound=Strict)


@dataclass(frozen=True)
class AskedJob(Job, Generic[C]):
    """One such job.

    Attributes:
        ASKED: name of the file that holds what was asked.
        ASKS: its schema. ASKED_VERSION: its version.
    """

    ASKED: ClassVar[str]
    ASKS: ClassVar[type[Strict]]
    ASKED_VERSION: ClassVar[int] = 1

    @classmethod
    def asking(cls, config: Strict) -> dict[str, dict[str, Any]]:
        """The file that holds what is asked, by name, for `cxrkd.jobs.queue.create`."""
        return {cls.ASKED: {"version": cls.ASKED_VERSION, **config.model_dump(mode="json")}}

    @cached_property
    def config(self) -> C:
        """What was asked.

        Raises:
            RunError: the file is missing, damaged, or written by another version.
        """
        return read_recorded(self.path / self.ASKED, self.ASKED_VERSION, self.ASKS)  # type: ignore[return-value]

    def require_settings(self) -> None:
        """Read what was asked.

        Raises:
            RunError: as `config`.
        """
        super().require_settings()
        _ = self.config
