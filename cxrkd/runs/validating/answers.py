"""Who answers about the films of a validation: the run's kept answers where they are its own test films, else networks.

A run keeps the weights of its first seed and the answers of all seeds on its own held-out films. Other labels on the
same films can therefore be measured over all seeds, and no network is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrkd.config import READERS, DataConfig, Member
from cxrkd.data import is_here
from cxrkd.errors import CxrkdError
from cxrkd.progress import Progress
from cxrkd.runs.predictions import Answerer
from cxrkd.runs.reference import cohort_of
from cxrkd.runs.run import Run
from cxrkd.runs.seen import Seen
from cxrkd.runs.validating.overlap import OWN, own_rows

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort

_CHUNK = 256  # films in memory at a time, and between two words on how far it has come


BySeed = dict[int, np.ndarray]
"""Seed -> logits float32 (N, K) on the films of a validation."""


def kept_rows_of(run: Run, data: DataConfig, films: Seen, seen: Seen | None) -> np.ndarray | None:
    """Rows int (N,) of the run's test films that the films of a set are; None where one of them is no such film.

    In two sets of one published origin the id says so; else id or file and picture must agree.

    Args:
        run: finished.
        data: the set's config.
        films: N of the set.
        seen: what the run was made from; None where that is not known.
    """
    test = run.predictions(run.members()[0])
    row_of = {name: row for row, name in enumerate(test.ids.tolist())}
    mine = run.config.data.kind
    if OWN not in (data.kind, mine) and READERS[data.kind].origin == READERS[mine].origin:
        ids = films.ids.tolist()
    elif seen is not None and (own := own_rows(films, seen.tested_on)) is not None:
        ids = seen.tested_on.ids[own].tolist()
    else:
        return None
    return np.array([row_of[name] for name in ids], int) if all(name in row_of for name in ids) else None


def kept_answers(run: Run, who: Answerer, rows: np.ndarray) -> BySeed:
    """What the run keeps of some of its test films, of all seeds."""
    test = run.predictions(who)
    return {seed: test.logits[layer, rows] for layer, seed in enumerate(test.seeds)}


def network_answers(run: Run, member: Member, cohort: Cohort, rows: np.ndarray, progress: Progress) -> BySeed:
    """What the network of a member answers whose weights are kept, that of the first seed.

    Raises:
        RunError: its weights are damaged.
        AnswerError: a logit is no number.
    """
    from cxrkd.train.device import device
    from cxrkd.train.predict import predict_logits

    model, images = run.load_model(member).to(device()), cohort.images
    parts = [np.empty((0, len(run.labels)), np.float32)]
    for first in range(0, len(rows), _CHUNK):
        parts.append(predict_logits(model, images[rows[first : first + _CHUNK]]))
        progress(min(first + _CHUNK, len(rows)), len(rows))
    return {run.config.seeds[0]: np.concatenate(parts)}


def trivial_answers(run: Run, cohort: Cohort, rows: np.ndarray, progress: Progress) -> BySeed | None:
    """What the model without anatomy answers, fitted to the run's training films; None where these are not here."""
    from cxrkd.evaluate.trivial import evenly_spread, features, fitted_logits

    if not is_here(run.config.data):
        return None
    try:
        own = cohort_of(run)
        fit = evenly_spread(own.rows("train"))
        known = features(own.images, fit, progress)
    except CxrkdError:  # what lies there now is another data set, or not whole
        return None
    logits = fitted_logits(known, own.targets[fit], features(cohort.images, rows, progress))
    return {run.config.seeds[0]: logits}
