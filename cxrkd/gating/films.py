"""Chest films, real and drawn, and the wrong ways to send one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cxrkd.data import load_cohort
from cxrkd.data.phantom import render
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.gating.variety import SIDE, toned

PHANTOM_SIDE = 128
QUARTER_TURNS = {"anticlockwise": 1, "upside down": 2, "clockwise": 3}


@dataclass(frozen=True, eq=False)
class ChestFilm:
    """An upright frontal film: tones float32 (H, W) in [0, 1], and whose it is."""

    pixels: np.ndarray
    patient: str


def real_films(folders: Sequence[Path], *, test: bool) -> list[ChestFilm]:
    """The films of ChestX-ray14 trees that the test list names, or all the others; no patient is in both.

    Raises:
        DataError: a tree is incomplete, or a film of it cannot be read or is not there.
    """
    films = []
    for folder in folders:
        cohort = load_cohort(ChestXray14Config(folder=folder))
        for row in np.flatnonzero((cohort.split == "test") == test):
            films.append(ChestFilm(cohort.pixels.whole(int(row)), str(cohort.patients[row])))
    return films


def phantoms(n: int, seed: int) -> list[ChestFilm]:
    """First visits of n drawn patients, 128 pixels a side."""
    drawn = (render(seed, patient, 0, PHANTOM_SIDE) for patient in range(n))
    return [ChestFilm(film.pixels.astype(np.float32) / 255, film.patient) for film in drawn]


def wrong_ways(film: np.ndarray) -> dict[str, np.ndarray]:
    """An upright film turned three ways, and inverted; by kind."""
    turned = {kind: np.ascontiguousarray(np.rot90(film, quarters)) for kind, quarters in QUARTER_TURNS.items()}
    return {**turned, "inverted": 1 - film}


def detail(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fifth to two fifths of each side, anywhere, float32 (256, 256)."""
    share = rng.uniform(0.2, 0.4)
    height, width = (round(side * share) for side in film.shape)
    top, left = int(rng.integers(film.shape[0] - height)), int(rng.integers(film.shape[1] - width))
    part = film[top : top + height, left : left + width]
    return toned(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), rng)
