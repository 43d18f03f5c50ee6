"""Some films of a data set as a network in training sees them, without preparing the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.data.pixels import InMemory
from cxrkd.images.resizing import resized
from cxrkd.train.batches import Batches
from cxrkd.train.schedule import plan


def preview(cohort: Cohort, rows: np.ndarray, train: TrainConfig, side: int, look: int = 0) -> np.ndarray:
    """Views of some films in an epoch at full size, from the very batches of a training; mixtures are left out.

    Args:
        cohort: whose films.
        rows: which, ascending, B of them.
        train: how they are changed.
        side: s, of what the network looks at.
        look: another one gives other views of the same films.

    Returns:
        Float32 (B, s, s) in [0, 1].

    Raises:
        DataError: a file is gone or cannot be read.
    """
    tones = np.stack([cohort.pixels.tones(int(row), cohort.size) for row in rows])
    few = replace(
        cohort,
        targets=cohort.targets[rows],
        patients=cohort.patients[rows],
        ids=cohort.ids[rows],
        views=cohort.views[rows],
        split=np.full(len(rows), "train"),
        pixels=InMemory(tones, "preview"),
        lesions=None,
        captions=None,
    )
    alone = train.model_copy(update={"batch_size": len(rows), "mixup": 0.0, "lesions": 0.0})
    batch = Batches(few, plan(alone, len(rows), cohort.size, warm=False), seed=0, train=alone, look=look).at(0)
    return resized(batch.full[:, 0].numpy(), side)


def some_rows(cohort: Cohort, n: int, seed: int = 0) -> np.ndarray:
    """Rows of n training films drawn at random, ascending; all of them where there are fewer."""
    rows = cohort.rows("train")
    return np.sort(np.random.default_rng(seed).choice(rows, min(n, len(rows)), replace=False))
