"""Cells of a film go in the order of a ranking, and a network is asked what it still answers.

Deletion and insertion (Petsiuk et al., BMVC 2018, arXiv 1806.07421) and ROAD (Rong et al., ICML 2022, arXiv 2202.00449)
are read off the same answers: those while the most relevant cells go first (MoRF), and while the least relevant go
first (LeRF). Inserting the most relevant first is LeRF read backwards, so it needs no films of its own.

Cells are those of the map, no finer than MOST_CELLS along a side: single pixels would be noise to a network, and maps
of all methods shall be asked alike. A hidden cell shows the film's blur, as for LIME. What is read is the logit:
probabilities of rare findings lie near 0, where a curve is flat whatever is hidden, and the maps speak of the logit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrkd.explain.altered import Answers, Copies, ask_copies
from cxrkd.explain.explainer import Network
from cxrkd.explain.segments import filling_whole
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import Steps

MOST_CELLS = 12
N_STEPS = 7
"""Steps from the whole film to none of it; a seventh of a 7 x 7 grid is one row's worth of cells."""
Compose = Callable[[np.ndarray], np.ndarray]
"""Hidden pixels, bool (b, S, S) -> what is shown, float32 (b, S, S)."""


@dataclass(frozen=True)
class Removed:
    """Logits of one label while cells go by one ranking, at even shares.

    Attributes:
        film: when all is seen.
        morf: float64 (n_steps - 1,), while the most relevant go first.
        lerf: float64 (n_steps - 1,), while the least relevant go first.
        hidden: when nothing is seen; NaN where that was not asked.
    """

    film: float
    morf: np.ndarray
    lerf: np.ndarray
    hidden: float

    @property
    def deletion(self) -> np.ndarray:
        """(n_steps + 1,), as the most relevant cells go first; from the film to nothing."""
        return np.array([self.film, *self.morf, self.hidden])

    @property
    def reverse(self) -> Removed:
        """By the reverse of the ranking, which hides the same cells."""
        return Removed(self.film, self.lerf, self.morf, self.hidden)

    @property
    def insertion(self) -> np.ndarray:
        """(n_steps + 1,), as the most relevant cells come first; from nothing to the film."""
        return np.array([self.hidden, *self.lerf[::-1], self.film])


def removal_grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Cells along height and width for a map (h, w): its own, halved while there are too many.

    >>> removal_grid((7, 7)), removal_grid((14, 14)), removal_grid((224, 224))
    ((7, 7), (7, 7), (7, 7))
    """
    h, w = shape[-2:]
    while max(h, w) > MOST_CELLS:
        h, w = -(-h // 2), -(-w // 2)
    return h, w


def ranked_cells(heat: np.ndarray, grid: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Cells int (n,) of a grid, the most relevant first; cells of equal evidence in an order drawn by lot.

    Args:
        heat: raw and signed (h, w), averaged onto the grid where it is finer.
        grid: cells along height and width.
        seed: of the lot.
    """
    values = area_resample(heat, grid).reshape(-1)
    return np.lexsort((np.random.default_rng(seed).random(values.size), -values))


def random_rankings(n_cells: int, n: int, seed: int = 0) -> np.ndarray:
    """Rankings int (n, n_cells) by lot."""
    drawn = np.random.default_rng(seed)
    return stacked([drawn.permutation(n_cells) for _ in range(n)], n_cells)


def hidden_cells(rankings: np.ndarray, n_steps: int) -> np.ndarray:
    """What is hidden on the way, bool (R, n_steps - 1, n): the first 1 / n_steps of the cells, 2 / n_steps, ..."""
    n = rankings.shape[-1]
    place = np.argsort(rankings, axis=-1)
    # Never all of them: of a grid of one cell nothing is hidden on the way.
    counts = np.minimum(np.round(n * np.arange(1, n_steps) / n_steps), n - 1)
    return np.asarray(place[:, None] < counts[:, None])


def pixels_of(cells: np.ndarray, grid: tuple[int, int], side: int) -> np.ndarray:
    """Cells (b, n) of a grid as pixels (b, side, side)."""
    rows, columns = (np.arange(side) * n // side for n in grid)
    return cells.reshape(-1, *grid)[:, rows][:, :, columns]


def blurred(film: np.ndarray) -> Compose:
    """Hidden pixels show the blur of a film (S, S)."""
    blur = filling_whole(film, "blur")
    return lambda hidden: np.where(hidden, blur, film)


def removed(
    networks: Mapping[str, Network],
    film: np.ndarray,
    rankings: Mapping[str, np.ndarray],
    grids: Mapping[str, tuple[int, int]],
    compose: Compose,
    steps: Steps,
    key: tuple[Hashable, ...],
    *,
    n_steps: int = N_STEPS,
    whole: bool = True,
) -> dict[str, list[list[Removed]]]:
    """Ask networks while cells go: 2 (n_steps - 1) films a ranking, all labels at once, and two more.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        rankings: by network, int (R, n), cells with the most relevant first.
        grids: by network, along height and width.
        compose: what is shown.
        steps: how batches are shown.
        key: of everything that the rankings hang on but the weights; see `altered.ask`.
        n_steps: how many.
        whole: ask about the film of which nothing is seen, too.

    Returns:
        By network, by ranking, by label.
    """
    side, copies = film.shape[-1], {}
    for name, own in rankings.items():
        both = np.concatenate([own, own[:, ::-1]])
        cells = hidden_cells(both, n_steps).reshape(-1, own.shape[-1])
        if whole:
            cells = np.concatenate([cells, np.ones((1, own.shape[-1]), bool)])
        copies[name] = _copies(cells, grids[name], side, compose)
    answers = ask_copies(networks, film, copies, steps, key)
    return {name: _by_ranking(answers[name], len(rankings[name]), n_steps, whole=whole) for name in rankings}


def _copies(cells: np.ndarray, grid: tuple[int, int], side: int, compose: Compose) -> Copies:
    return Copies(len(cells), lambda numbers: compose(pixels_of(cells[numbers], grid, side)))


def _by_ranking(answers: Answers, n: int, n_steps: int, *, whole: bool) -> list[list[Removed]]:
    altered = answers.altered.astype(np.float64)
    film, n_labels = answers.film.astype(np.float64), altered.shape[-1]
    hidden = altered[-1] if whole else np.full(n_labels, np.nan)
    ways = altered[: len(altered) - whole].reshape(2, n, n_steps - 1, n_labels)
    return [
        [
            Removed(float(film[k]), ways[0, r, :, k], ways[1, r, :, k], float(hidden[k]))  # forwards, then backwards
            for k in range(n_labels)
        ]
        for r in range(n)
    ]


def stacked(rankings: Sequence[np.ndarray], n_cells: int) -> np.ndarray:
    """Rankings int (R, n), also of none."""
    return np.array(rankings, np.intp).reshape(-1, n_cells)
