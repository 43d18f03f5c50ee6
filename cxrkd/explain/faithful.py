"""Is a map true: does the logit fall as the cells go that the map calls relevant, and more than by chance?

Four figures (see `cxrkd.explain.removal`): areas under the curve of deletion (low is good) and insertion (high is
good), their difference, and ROAD's score, mean of LeRF minus MoRF, halved. Each stands beside what rankings reach that
know nothing of the film: drawn by lot, the network's mean map of the label, a bump in the middle.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrkd.explain.chance import ChanceLine, above_all, highest, line, to_dict
from cxrkd.explain.explainer import Network
from cxrkd.explain.removal import (
    N_STEPS,
    Compose,
    Removed,
    random_rankings,
    ranked_cells,
    removal_grid,
    removed,
    stacked,
)
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import Steps
from cxrkd.explain.yardsticks import centre_prior
from cxrkd.plain import plain

OWN, RANDOM, LABEL_MEAN, CENTRE = "own", "random_ranking", "label_mean", "centre"
RIVALS = (RANDOM, LABEL_MEAN, CENTRE)
"""Rankings that have not seen the film, named as in `cxrkd.explain.chance.LINE_NAMES`."""
LINE_TITLES: Mapping[str, str] = {
    RANDOM: "random rankings",
    LABEL_MEAN: "its mean map of the label",
    CENTRE: "a bump in the middle",
}
NOT_KEPT = "none of its maps of other films are kept"
DELETION, INSERTION, GAIN, ROAD = "deletion", "insertion", "gain", "road"
SENSE: Mapping[str, int] = {DELETION: -1, INSERTION: 1, GAIN: 1, ROAD: 1}
"""Whether a figure is better high or low."""
N_PAIRS = 4
"""Random rankings of a film come in so many pairs of one and its reverse, so that their gains cancel."""


def figure_of(one: Removed, figure: str) -> float:
    """A figure of one ranking, in units of the logit."""
    if figure == ROAD:
        return float((one.lerf - one.morf).mean() / 2)
    if figure == GAIN:
        return area(one.insertion) - area(one.deletion)
    return area(getattr(one, figure))


def area(curve: np.ndarray) -> float:
    """Area under a curve at even shares from 0 to 1, by trapezoids.

    >>> area(np.array([0.0, 1.0, 0.0]))
    0.5
    """
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


@dataclass(frozen=True)
class Held:
    """A figure beside its chance lines.

    Attributes:
        figure: of SENSE.
        value: of the map; NaN where it is flat and ranks nothing.
        lines: `mean` of the draws, and `high` what has to be exceeded; of deletion, what has to be undercut.
    """

    figure: str
    value: float
    lines: tuple[ChanceLine, ...]

    def _upwards(self) -> tuple[float, tuple[ChanceLine, ...]]:
        sense = SENSE[self.figure]
        lines = (ChanceLine(one.name, sense * one.mean, sense * one.high, one.missing) for one in self.lines)
        return sense * self.value, tuple(lines)

    @property
    def above_chance(self) -> bool | None:
        """Better than every line; False if not than one, None where that cannot be known."""
        return above_all(*self._upwards())

    @property
    def verdict(self) -> str:
        """`above_chance` in words, with the line that decides."""
        if np.isnan(self.value):
            return "not defined: the map is flat"
        above = self.above_chance
        if above is None:
            return "better than the chance lines that are known"
        return "better than chance" if above else f"not better than chance ({LINE_TITLES[self.hardest.name]})"

    @property
    def hardest(self) -> ChanceLine:
        """The line that is hardest to beat."""
        hardest = highest(self._upwards()[1])
        return next(one for one in self.lines if one.name == hardest.name)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        conclusion = {"above_chance": self.above_chance, "verdict": self.verdict}
        return {"value": plain(self.value), "lines": to_dict(self.lines)} | conclusion


@dataclass(frozen=True)
class Faithfulness:
    """What a network still answers for a label while cells of a film go.

    Attributes:
        own: by its map; None where the map is flat.
        rivals: by name of RIVALS, draws; `label_mean` is missing where the run keeps no maps of other films.
    """

    own: Removed | None
    rivals: Mapping[str, Sequence[Removed]]

    def held(self, figure: str) -> Held:
        """A figure beside its chance lines."""
        sense, lines = SENSE[figure], []
        for name in RIVALS:
            draws = np.array([figure_of(one, figure) for one in self.rivals.get(name, ())])
            one = line(name, sense * draws)
            missing = one.missing if name in self.rivals else NOT_KEPT
            lines.append(ChanceLine(name, sense * one.mean, sense * one.high, missing))
        return Held(figure, float("nan") if self.own is None else figure_of(self.own, figure), tuple(lines))


def n_films(n_pairs: int = N_PAIRS, n_steps: int = N_STEPS, n_labels: int = 1) -> int:
    """Films that each network is shown to measure labels of one film.

    >>> n_films()
    87
    """
    return 3 + 2 * (n_pairs + 1 + 2 * n_labels) * (n_steps - 1)


def faithfulness(
    networks: Mapping[str, Network],
    film: np.ndarray,
    maps: Mapping[str, np.ndarray],
    means: Mapping[str, np.ndarray],
    labels: Sequence[int],
    compose: Compose,
    steps: Steps,
    key: tuple[Hashable, ...],
    *,
    n_pairs: int = N_PAIRS,
    n_steps: int = N_STEPS,
    whole: bool = True,
) -> dict[str, dict[int, Faithfulness]]:
    """Put maps of a film to the proof; see `n_films` for the price.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        maps: by network, raw and signed (K, h, w).
        means: by network, its mean map of each label (K, h, w); networks of which none is kept are left out.
        labels: which of the K.
        compose: what is seen in place of hidden cells.
        steps: how batches are shown; those that no label has a part in are asked under a key without the labels.
        key: of what the maps hang on but the weights.
        n_pairs: pairs of random rankings.
        n_steps: from the whole film to none of it.
        whole: ask also about the film of which nothing is seen; ROAD needs it not.

    Returns:
        By network, by label.
    """
    grids = {name: removal_grid(maps[name].shape) for name in networks}
    blind = {name: _blind(grid, n_pairs) for name, grid in grids.items()}
    common = removed(
        networks, film, blind, grids, compose, steps, (*key, n_pairs, n_steps), n_steps=n_steps, whole=whole
    )
    sighted = {
        name: stacked(
            [
                ranked_cells(of[k], grid)
                for k in labels
                for of in (maps[name], *([means[name]] if name in means else []))
            ],
            grid[0] * grid[1],
        )
        for name, grid in grids.items()
    }
    own = removed(
        networks, film, sighted, grids, compose, steps, (*key, n_steps, tuple(labels)), n_steps=n_steps, whole=False
    )
    return {
        name: {
            k: _of_label(k, place, grids[name], maps[name][k], common[name], own[name], known=name in means)
            for place, k in enumerate(labels)
        }
        for name in networks
    }


def _blind(grid: tuple[int, int], n_pairs: int) -> np.ndarray:
    """Rankings that hang on the grid alone: by lot, and last by the bump."""
    return np.concatenate([random_rankings(grid[0] * grid[1], n_pairs), ranked_cells(centre_prior(grid), grid)[None]])


def _of_label(
    k: int,
    place: int,
    grid: tuple[int, int],
    heat: np.ndarray,
    common: list[list[Removed]],
    own: list[list[Removed]],
    *,
    known: bool,
) -> Faithfulness:
    end, each = common[0][k].hidden, 1 + known
    rivals = {RANDOM: [way for one in common[:-1] for way in (one[k], one[k].reverse)], CENTRE: [common[-1][k]]}
    if known:
        rivals[LABEL_MEAN] = [_ending(own[place * each + 1][k], end)]
    flat = np.ptp(area_resample(heat, grid)) == 0
    return Faithfulness(None if flat else _ending(own[place * each][k], end), rivals)


def _ending(one: Removed, hidden: float) -> Removed:
    return Removed(one.film, one.morf, one.lerf, hidden)
