"""What the Explain page shows, as a file to keep."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from cxrkd.answers.explanation import Explanation
from cxrkd.config import Member
from cxrkd.dashboard import reports
from cxrkd.dashboard.access import films_of
from cxrkd.images.film import SHORT, Film
from cxrkd.report.provenance import published
from cxrkd.runs import Run

HELP = (
    "One page that opens anywhere, also offline, and prints well: figures, maps, hashes, versions. An upload goes by "
    "the hash of its pixels: its name may be a patient's."
)


def offer(run: Run, film: Film, explanation: Explanation, label: str, thresholds: Mapping[Member, np.ndarray]) -> None:
    """Buttons that write the report of a film, when they are pressed.

    Args:
        run: the chosen one.
        film: what is explained.
        explanation: of it, with what agreement is held against.
        label: which one is shown.
        thresholds: by member, (K,).
    """
    named = film.truth is not None and published(films_of(run) or run.config.data)
    stem = f"cxrkd-{film.name if named else film.sha256[:SHORT]}-{label}-{explanation.method}"
    write = partial(_text, run, film, explanation, label, thresholds, named)
    reports.offer(write, stem, key="film_report", note=HELP)


def _text(
    run: Run,
    film: Film,
    explanation: Explanation,
    label: str,
    thresholds: Mapping[Member, np.ndarray],
    named: bool,
    ending: str,
) -> str:
    from cxrkd.report.film import film_report  # templates and colours, which only a report needs

    return film_report(run, film, explanation, [label], thresholds, named=named).text(ending)
