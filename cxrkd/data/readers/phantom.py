"""Phantoms: procedural radiographs with known findings, split by patient. Nothing in them comes from a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from cxrkd.config import READERS, DataSettings, Reader
from cxrkd.config.hints import hints
from cxrkd.labels import CHESTXRAY14
from cxrkd.progress import Progress

if TYPE_CHECKING:
    from cxrkd.data.cohort import Cohort

NAME = "Phantom radiographs"
IMAGES_PER_PATIENT, TRAIN_SHARE = 1.94, 0.7  # means of how visits are drawn, and of the split
_MISSED_STREAM = 18


class PhantomConfig(DataSettings):
    """Procedural radiographs, split by patient into train / val / test."""

    kind: Literal["phantom"] = "phantom"
    n_patients: int = Field(
        400,
        ge=20,
        le=200_000,
        title="Patients",
        description="each has one to four images",
        json_schema_extra=hints(flag="--patients", step=20),
    )
    seed: int = Field(0, ge=0, title="Seed of the data", json_schema_extra=hints(flag="--data-seed"))
    missed: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Findings that labels miss",
        description="share of the present findings that the labels to learn from call absent, as labels mined from "
        "reports do; test images keep the truth",
        json_schema_extra=hints(step=0.05),
    )


def read(config: PhantomConfig, progress: Progress | None = None) -> Cohort:
    """What the phantoms of a config show, without drawing them."""
    from cxrkd.data.cohort import Cohort
    from cxrkd.data.drawn import Drawn
    from cxrkd.data.phantom import n_visits, view_and_labels
    from cxrkd.data.splits import split_by_patient

    visits = [(p, v) for p in range(config.n_patients) for v in range(n_visits(config.seed, p))]
    drawn = Drawn.of(config, config.seed, visits, config.missed)
    views, present = zip(*(view_and_labels(config.seed, *visit) for visit in visits), strict=True)
    patients = np.array([f"phantom-{config.seed}-{p:06d}" for p, _ in visits])
    targets = np.stack(present).astype(np.float32)
    split = split_by_patient(patients, config.seed, targets=targets)
    return Cohort(
        name=NAME,
        labels=CHESTXRAY14,
        targets=_with_missed(targets, split, config),
        patients=patients,
        ids=np.array([f"{name}-{visit}" for name, (_, visit) in zip(patients, visits, strict=True)]),
        split=split,
        views=np.array(views),
        pixels=drawn,
        synthetic=True,
        lesions=drawn,
        truth="True labels"
        if not config.missed
        else f"True labels, {config.missed:.0%} missed in what is learned from",
        captions=np.array([f"Patient {patient}, visit {visit + 1}" for patient, visit in visits]),
    )


def _with_missed(targets: np.ndarray, split: np.ndarray, config: PhantomConfig) -> np.ndarray:
    """The labels (N, K) without the findings that they miss, each by chance, in training and validation images.

    A finding that is missed at one share is missed at every higher one.
    """
    lot = np.random.default_rng([config.seed, _MISSED_STREAM]).random(targets.shape)
    return np.where((lot < config.missed) & (split != "test")[:, None], np.float32(0), targets)


def size_without_reading(config: PhantomConfig) -> tuple[float, float]:
    """Images in all and to train on, about."""
    images = config.n_patients * IMAGES_PER_PATIENT
    return images, images * TRAIN_SHARE


READERS.register(
    Reader(
        name="phantom",
        title="Phantom radiographs, drawn here",
        sentence="Procedural frontal radiographs with known findings, masks and severities; nothing comes from a "
        "patient.",
        source="cxrkd; prevalence and co-occurrence tempered from ChestX-ray14",
        config=PhantomConfig,
        read=read,
        drawn=True,
        size_without_reading=size_without_reading,
    )
)
