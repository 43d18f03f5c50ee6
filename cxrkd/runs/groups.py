"""Figures within groups of the test images.

A figure over all images can hide a group that the networks fail in, or be made by telling the groups apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrkd.data.readers.tables import read_csv
from cxrkd.errors import DataError
from cxrkd.names import without_image_suffix
from cxrkd.runs.metrics import RunMetrics, measure
from cxrkd.runs.run import Run
from cxrkd.text import shown

VIEW = "view"
UNLISTED = "not in the table"


def image_groups(run: Run, column: str, table: Path | None = None) -> np.ndarray:
    """The group of each test image of a run, str (N,).

    Args:
        run: finished.
        column: of the table; "view" needs none.
        table: a CSV with the image in its first column, as the data set names it, with or without ".png" and the like.

    Raises:
        DataError: there is no such table or column, or it has none of the images.
        RunError: the run has no predictions.
    """
    test = run.predictions(run.members()[0])
    if table is None:
        if column != VIEW:
            raise DataError(
                f"The run itself knows the groups of {VIEW!r} only, got {shown(column)}: give the table with it."
            )
        return test.views
    rows = read_csv(table, [column])
    group = _by_image(rows.iloc[:, 0].str.replace("\\", "/"), rows[column], table)
    groups = np.array([group.get(without_image_suffix(i), UNLISTED) or "empty" for i in test.ids])
    if (groups == UNLISTED).all():
        raise DataError(
            f"{table} has none of the {len(test.ids)} test images of {run.id} in its first column "
            f"({shown(rows.columns[0])}); expected names such as {shown(test.ids[0])}."
        )
    return groups


def _by_image(names: pd.Series, groups: pd.Series, table: Path) -> dict[str, str]:
    """Group by id of the image, and by the file's own name where only one image of the table has it."""
    by_id: dict[str, str] = {}
    for row, name, group in zip(names.index, names, groups, strict=True):
        key = without_image_suffix(name.replace("/", "-"))
        if by_id.setdefault(key, group) != group:
            raise DataError(
                f"{table}, row {row}: {name} is in {shown(by_id[key])} and in {shown(group)}. Take one row out."
            )
    own = [without_image_suffix(name.rpartition("/")[2]) for name in names]
    once = Counter(own)
    return {name: group for name, group in zip(own, groups, strict=True) if once[name] == 1} | by_id


def measure_groups(run: Run, groups: np.ndarray, labels: Sequence[str] | None = None) -> dict[str, RunMetrics]:
    """The figures of a run within each group of its test images, by the group's name.

    Args:
        run: finished.
        groups: str (N,), of each test image, from `image_groups`.
        labels: some of the run's, to measure and to average over; all when None.

    Raises:
        RunError: predictions are missing or damaged.
    """
    held_out, archs = run.held_out().of(labels or run.labels), run.archs()
    return {str(name): measure(held_out.tested_on(groups == name), archs) for name in np.unique(groups)}
