"""Networks that a run starts from must not have learned from patients that it tests on: looked up film by film."""

from __future__ import annotations

from cxrkd.config import RunConfig
from cxrkd.errors import ConfigError
from cxrkd.runs.run import open_run
from cxrkd.runs.seen import Seen
from cxrkd.runs.validating.films import what_it_saw
from cxrkd.runs.validating.overlap import find_overlap


def refuse_leak(config: RunConfig, films: Seen) -> None:
    """Hold the test films of a run against those that its borrowed teacher, and what its students go on from, saw.

    A run of an older version that kept no list of its films, and whose data set is not here, cannot be looked at: its
    settings were (`cxrkd.runs.refusing`).

    Args:
        config: of the run.
        films: that it is made from.

    Raises:
        ConfigError: a patient is in both.
        RunError: the list of a run that it starts from is damaged.
    """
    tested = films.tested_on
    for parent, part in ((config.teacher_from, "teacher"), (config.student_from, "student")):
        if parent is None:
            continue
        _, sources, _ = what_it_saw(open_run(parent))
        overlap = find_overlap(tested, sources, config.data, other_patients=False)
        if overlap.n_patients:
            raise ConfigError(
                f"the {part} of {parent} was trained on {overlap.n_patients:,} of the patients that this run would "
                f"test on, with {int(overlap.rows.sum()):,} of {len(tested.ids):,} test films. Use the data settings "
                f"of {parent}, put these patients into another split, or do without its {part}."
            )
