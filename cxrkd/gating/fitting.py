"""Fit the radiograph gate: many pictures of every kind -> coefficients. Equal films and versions give equal ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cxrkd.gating import bundled, drawn
from cxrkd.gating.films import ChestFilm, detail, wrong_ways
from cxrkd.gating.variety import varied
from cxrkd.images.gate import CHEST, KINDS, Gate, Plane, features
from cxrkd.images.looks import ranks, shrink

SEED = 2023
PHANTOM_SEED = 7101
"""Of the phantoms that the gate is fitted on; those it is measured on have another."""
PHANTOMS, PER_PHOTO, PER_SLICE, PER_PROGRAM = 400, 70, 60, 1000
COMPONENTS = 24
# Inverse weight of the squared penalty on standardised features, as scikit-learn counts it.
C = 0.01
MAX_ITERATIONS = 400
# Where a kind is left out on purpose, its column can never win.
NEVER = -60.0

Picture = tuple[str, np.ndarray]


def fit(
    films: Sequence[ChestFilm], left_out: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None
) -> tuple[Gate, dict[str, int]]:
    """Fit the gate.

    Args:
        films: upright frontal films, real ones and phantoms.
        left_out: kinds it shall never see, to measure what it does with the unknown.
        tell: is told how far it got.

    Returns:
        The gate, and how many pictures of each kind it saw.
    """
    plane = fit_plane([film.pixels for film in films])
    rng = np.random.default_rng(SEED)
    rows, kinds = [], []
    for kind, pixels in _all(films, rng):
        if kind not in left_out:
            rows.append(features(shrink(pixels), plane))
            kinds.append(kind)
            tell(f"{len(rows):,} pictures")
    tell(f"fitting {len(rows):,} pictures")
    weight, bias = regress(np.stack(rows), np.array([KINDS.index(kind) for kind in kinds]))
    return Gate(plane, weight, bias), {kind: kinds.count(kind) for kind in KINDS}


def regress(rows: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression of rows (N, F) on kinds int (N,): weight (F, K) and bias (K,) for raw rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=C, max_iter=MAX_ITERATIONS).fit(scaler.transform(rows), kinds)
    weight, bias = np.zeros((rows.shape[1], len(KINDS))), np.full(len(KINDS), NEVER)
    weight[:, model.classes_] = model.coef_.T / scaler.scale_[:, None]
    bias[model.classes_] = model.intercept_ - scaler.mean_ @ weight[:, model.classes_]
    return weight.astype(np.float32), bias.astype(np.float32)


def fit_plane(films: Sequence[np.ndarray]) -> Plane:
    """Principal components of the tone ranks of upright films and of their mirror images."""
    table = np.stack([ranks(shrink(image)) for film in films for image in (film, film[:, ::-1])])
    mean = table.mean(0)
    _, singular, basis = np.linalg.svd(table - mean, full_matrices=False)
    scale = singular[:COMPONENTS] / np.sqrt(len(table))
    # Rounded as they will be stored, so that the model is fitted on the very features it will see.
    return Plane(*(array.astype(np.float16).astype(np.float32) for array in (mean, basis[:COMPONENTS], scale)))


def _all(films: Sequence[ChestFilm], rng: np.random.Generator) -> Iterator[Picture]:
    for film in films:
        yield from _of_film(film.pixels, rng)
    yield from _of_packages(rng)
    for kind, draw in drawn.PROGRAMS.items():
        for _ in range(PER_PROGRAM):
            yield kind, draw(rng)


def _of_film(film: np.ndarray, rng: np.random.Generator) -> Iterator[Picture]:
    """A film as it is and in two other appearances, turned, inverted, cut to a detail, and small on a screen."""
    other = varied(film, rng)
    yield from ((CHEST, film), (CHEST, other), (CHEST, varied(film, rng)))
    yield from wrong_ways(film).items()
    yield from wrong_ways(other).items()
    yield "detail", detail(film, rng)
    if rng.random() < 0.2:
        yield "document", drawn.screen_with(film, rng)


def _of_packages(rng: np.random.Generator) -> Iterator[Picture]:
    for source in bundled.PHOTOS["fit"]:
        photo = bundled.load(*source).pixels
        yield from (("photo", varied(photo, rng, keep=0.35, tilt_deg=20)) for _ in range(PER_PHOTO))
    yield from (("photo", varied(face, rng)) for face in bundled.faces())
    for source in bundled.SLICES["fit"]:
        slice_ = bundled.load(*source).pixels
        yield from (("slice", varied(slice_, rng, keep=0.6, tilt_deg=20)) for _ in range(PER_SLICE))
