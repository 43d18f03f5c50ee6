"""The runs that there are, asked for what a cell of a study can take over from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cxrkd.config import RunConfig
from cxrkd.errors import RunError
from cxrkd.runs.run import Run, list_runs
from cxrkd.studies.keys import cell_key, control_key, teacher_key


@dataclass(frozen=True)
class KnownRuns:
    """Every readable run of this machine, shipped ones first, then newest first."""

    runs: tuple[Run, ...]

    @classmethod
    def now(cls) -> KnownRuns:
        """As they are now.

        Raises:
            RunError: the folder of runs cannot be read.
        """
        return cls(tuple(run for run in list_runs() if run.state.status != "unreadable"))

    def of_cell(self, config: RunConfig) -> Run | None:
        """The run that learns what a cell asks for, finished or not; a finished one first, one with a control first."""
        same = self._by(cell_key).get(cell_key(config), [])
        return min(same, key=lambda run: (run.state.status != "done", not run.config.control), default=None)

    def with_teacher(self, config: RunConfig) -> Run | None:
        """A finished run that has the teacher of a config."""
        same = self._by(teacher_key).get(teacher_key(config), [])
        return next((run for run in same if run.state.status == "done" and "teacher" in run.members()), None)

    def with_control(self, config: RunConfig) -> Run | None:
        """A finished run that has the student alone of a config, over all its seeds."""
        same = self._by(control_key).get(control_key(config), [])
        return next((run for run in same if run.state.status == "done" and run.has_predictions("alone")), None)

    @cached_property
    def _keys(self) -> dict[Callable[[RunConfig], str], dict[str, list[Run]]]:
        return {}

    def _by(self, key: Callable[[RunConfig], str]) -> dict[str, list[Run]]:
        if key not in self._keys:
            runs: dict[str, list[Run]] = {}
            for run in self.runs:
                try:
                    runs.setdefault(key(run.config), []).append(run)
                except RunError:  # deleted since
                    continue
            self._keys[key] = runs
        return self._keys[key]
