"""What a data set holds and what of it will not serve a run, known from its table before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxrkd.data.cohort import SPLITS, Cohort
from cxrkd.evaluate.inputs import MIN_POSITIVE_PATIENTS, Cases
from cxrkd.evaluate.record import Record
from cxrkd.labels import display_name
from cxrkd.text import NOT_ENOUGH

NAMED = 8
"""Labels that a sentence names."""


@dataclass(frozen=True)
class LabelCheck(Record):
    """One label.

    Attributes:
        label: its name.
        prevalence: share of the images where it is known that have it; NaN where it is known of none.
        positive_patients: split -> patients with it on at least one image.
        judged: whether the test patients are enough for a figure.
    """

    label: str
    prevalence: float
    positive_patients: dict[str, int]
    judged: bool


@dataclass(frozen=True)
class DataCheck(Record):
    """What is known of a data set without a look at its pixels.

    Attributes:
        images: split -> number.
        patients: split -> number.
        unlabelled: images of which no label is known.
        labels: one by one.
        warnings: what a run can be made with and will be worse for, a sentence each.
        notes: what was read otherwise than it is written.
    """

    images: dict[str, int]
    patients: dict[str, int]
    unlabelled: int
    labels: tuple[LabelCheck, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def check_data(cohort: Cohort, batch_size: int = 1) -> DataCheck:
    """Look at the table of a data set as a run would use it.

    Args:
        cohort: any.
        batch_size: of the students.
    """
    labels = tuple(_label_checks(cohort))
    return DataCheck(
        images={str(split): len(cohort.rows(split)) for split in SPLITS},
        patients={str(split): len(np.unique(cohort.patients[cohort.rows(split)])) for split in SPLITS},
        unlabelled=int(cohort.unlabelled.sum()),
        labels=labels,
        warnings=tuple(_warnings(cohort, labels, batch_size)),
        notes=cohort.notes,
    )


def _label_checks(cohort: Cohort) -> Iterator[LabelCheck]:
    cases = {split: _cases(cohort, split) for split in SPLITS}
    judged = cases["test"].evaluable(MIN_POSITIVE_PATIENTS)
    known = (~np.isnan(cohort.targets)).sum(axis=0)
    for k, label in enumerate(cohort.labels):
        prevalence = float(cohort.positive[:, k].sum() / known[k]) if known[k] else float("nan")
        patients = {str(split): one.positive_patients(k) for split, one in cases.items()}
        yield LabelCheck(label, prevalence, patients, bool(judged[k]))


def _cases(cohort: Cohort, split: str) -> Cases:
    rows = np.flatnonzero(cohort.split == split)
    return Cases(cohort.targets[rows], cohort.patients[rows], cohort.labels)


def _warnings(cohort: Cohort, labels: tuple[LabelCheck, ...], batch_size: int) -> Iterator[str]:
    few = [one for one in labels if not one.judged]
    if few:
        yield (
            f"{len(few)} of {len(labels)} labels cannot be judged, {NOT_ENOUGH} in test (fewer than "
            f"{MIN_POSITIVE_PATIENTS} positive patients, or no negative image): {_named(few, 'test')}."
        )
    untaught = [one for one in labels if not one.positive_patients["train"]]
    if untaught:
        yield f"No training image has {_named(untaught)}: no label teaches that."
    if cohort.unlabelled.any():
        where = ", ".join(f"{split} {int(cohort.unlabelled[cohort.rows(split)].sum()):,}" for split in SPLITS)
        yield (
            f"{int(cohort.unlabelled.sum()):,} images have no known label ({where}): those of train teach a distilled "
            "student, through its teacher, and nobody else; those of val and test count for nothing."
        )
    n_train = len(cohort.rows("train"))
    if n_train < batch_size:
        yield f"There are {n_train:,} training images, fewer than a batch of {batch_size:,}: every epoch is one step."


def _named(some: list[LabelCheck], split: str = "") -> str:
    """The first few labels, with their positive patients in a split."""
    names = [
        f"{display_name(one.label)} ({one.positive_patients[split]:,})" if split else display_name(one.label)
        for one in some[:NAMED]
    ]
    return ", ".join(names) + (f" and {len(some) - NAMED} more" if len(some) > NAMED else "")
