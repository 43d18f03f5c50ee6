"""A sum of parts: a film in a few parts whose scores add up to the logit, part by part and for every label.

After Sum-of-Parts (You et al., ICML 2025, arXiv 2310.16316), which *trains* a network to answer by a sum of scores of
feature groups, because scores of single features must fail where features count together. Its idea is kept: groups,
formed by what the network does with them, each shown to the network, and scores that add up to the answer. What is
not the paper's, since the networks here are given and stay as they are: groups do not overlap and are formed without
training, and a score is the group's Shapley value in place of a learned weight. For one network and film:

1. superpixels, each hidden from the whole film and shown on the filled one: the mean of the two differences, by label,
   is what it counts for at first and at last (first and last terms of its own Shapley value);
2. neighbours that count alike for all labels become parts (Ward's clustering along shared borders);
3. the network is shown all 2^n coalitions of the n parts, and Shapley's formula gives each part its score.

    logit = baseline + sum over parts of score,    baseline = logit of the film with everything hidden

holds to rounding for every network, whatever its head. A map has the scores per share of the film, so that its mean
is the logit less the baseline on any grid. Passes: 2 S + 2^n + 3 for S superpixels, about 380 as shipped.

Where the head is a mean pool and one Linear, the cells of Grad-CAM add up to the logit less the bias in closed form, in
one pass; but a cell of the features has seen most of the film, while a part that is hidden here is not seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering

from cxrkd.explain.altered import AlteredMaps, Answers, Masks, ask
from cxrkd.explain.explainer import Network
from cxrkd.explain.lime_settings import Fill
from cxrkd.explain.segments import filling, superpixels
from cxrkd.explain.shapley import additivity, coalitions, shapley_values
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import Steps
from cxrkd.explain.zones import zone
from cxrkd.logits import untaught_columns

_CELLS = 28
"""Cells of a map along a side, at most: a superpixel is larger."""


@dataclass(frozen=True)
class Part:
    """A part of a film and what it counts for one label.

    Attributes:
        place: where most of it lies.
        area: its share of the film.
        score: its share of the logit.
        alone: what showing it alone adds to the baseline; the more it differs from the score, the more it counts
            together with others.
    """

    place: str
    area: float
    score: float
    alone: float


@dataclass(frozen=True)
class PartsMaps(AlteredMaps):
    """Parts of a film and their scores, by network; a network has parts of its own.

    Attributes:
        parts: number of each pixel's part, int (H, W).
        scores: float64 (K, n); zero of labels that the network was never taught, as the next two.
        alone: float64 (K, n), see `Part`.
        baseline: float64 (K,), logit of the film with everything hidden.
        additivity: float64 (K,), see `shapley.additivity`.
    """

    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    alone: Mapping[str, np.ndarray] = field(default_factory=dict)
    baseline: Mapping[str, np.ndarray] = field(default_factory=dict)
    additivity: Mapping[str, np.ndarray] = field(default_factory=dict)

    def parts_of(self, name: str, k: int) -> list[Part]:
        """The parts of a network for a label, what counts most first."""
        scores, alone, numbers = self.scores[name][k], self.alone[name][k], self.parts[name]
        order = np.argsort(-np.abs(scores), kind="stable")
        return [
            Part(zone(numbers == i), float((numbers == i).mean()), float(scores[i]), float(alone[i])) for i in order
        ]

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The map, the parts, what is left without them, and how far the logit is a sum of them at all."""
        parts = [vars(part) for part in self.parts_of(name, k)]
        own = {"baseline": float(self.baseline[name][k]), "additivity": float(self.additivity[name][k])}
        return super().figures(name, k) | {"parts": parts} | own


def neighbours(segments: np.ndarray) -> sparse.csr_matrix:
    """Which segments of (H, W) share a border, bool (S, S)."""
    n = int(segments.max()) + 1
    touch = np.zeros((n, n), dtype=bool)
    for a, b in ((segments[1:], segments[:-1]), (segments[:, 1:], segments[:, :-1])):
        touch[a, b] = touch[b, a] = True
    np.fill_diagonal(touch, False)
    return sparse.csr_matrix(touch)


def grouped(segments: np.ndarray, counts: np.ndarray, n_parts: int) -> np.ndarray:
    """Number of each superpixel's part (S,): neighbours that count alike for all labels go together.

    Args:
        segments: int (H, W), numbers 0 to S - 1.
        counts: what each superpixel counts for each label, (S, K), finite; labels are brought to one scale.
        n_parts: as many parts, or as many as there are superpixels.
    """
    if len(counts) <= n_parts:
        return np.arange(len(counts))
    spread = counts.std(0)
    alike = counts / np.where(spread > 0, spread, 1)
    ward = AgglomerativeClustering(n_parts, linkage="ward", connectivity=neighbours(segments))
    return np.asarray(ward.fit(alike).labels_)


def sum_of_parts(
    networks: Mapping[str, Network],
    film: np.ndarray,
    n_segments: int,
    n_parts: int,
    fill: Fill,
    steps: Steps,
    key: tuple[Any, ...],
) -> PartsMaps:
    """Parts, scores and maps of all labels by all networks; see the module and `altered.ask`.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        n_segments: about how many superpixels parts are made of.
        n_parts: parts of each network.
        fill: what is seen where a part is hidden, one of `segments.FILLS`.
        steps: how batches are shown.
        key: of the film and these settings.
    """
    segments = superpixels(film, n_segments)
    filled = filling(film, segments, fill)
    singly = _shown(segments, _one_by_one(int(segments.max()) + 1))
    first = ask(networks, film, filled, dict.fromkeys(networks, singly), steps, (*key, "superpixels"))
    parts = {name: grouped(segments, _counts(one), n_parts)[segments] for name, one in first.items()}
    masks = {name: _shown(own, coalitions(int(own.max()) + 1)) for name, own in parts.items()}
    answers = ask(networks, film, filled, masks, steps, (*key, "parts"))
    scores = {name: _known(shapley_values(one.altered).T, one) for name, one in answers.items()}
    return PartsMaps(
        logits={name: one.film for name, one in answers.items()},
        maps={name: _map(parts[name], scores[name]) for name in networks},
        made_with={"n_segments": int(segments.max()) + 1, "n_parts": n_parts, "fill": fill},
        parts=parts,
        scores=scores,
        alone={name: _known(_alone(one), one) for name, one in answers.items()},
        baseline={name: _known(one.altered[0], one) for name, one in answers.items()},
        additivity={name: additivity(one.altered) for name, one in answers.items()},
    )


def _one_by_one(n: int) -> np.ndarray:
    """Which superpixels are seen, bool (2 n + 1, n): none; all but one; one alone."""
    one = np.eye(n, dtype=bool)
    return np.concatenate([np.zeros((1, n), bool), ~one, one])


def _shown(numbers: np.ndarray, seen: np.ndarray) -> Masks:
    """Masks of rows of `seen` (n, S), over pixels numbered 0 to S - 1."""
    return Masks(len(seen), partial(_drawn, numbers, seen.astype(np.float32)))


def _drawn(numbers: np.ndarray, seen: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(seen[rows][:, numbers])


def _counts(one: Answers) -> np.ndarray:
    """What each superpixel counts (S, K'), for the labels that the network was taught."""
    logits = one.altered.astype(np.float64)[:, ~untaught_columns(one.altered)]
    whole = one.film.astype(np.float64)[~untaught_columns(one.altered)]
    hidden, alone = np.split(logits[1:], 2)
    return np.asarray((whole - hidden + alone - logits[0]) / 2)


def _alone(one: Answers) -> np.ndarray:
    """What each part alone adds to the baseline, (K, n)."""
    worth = one.altered.astype(np.float64)
    return np.asarray((worth[2 ** np.arange(len(worth).bit_length() - 1)] - worth[0]).T)


def _known(values: np.ndarray, one: Answers) -> np.ndarray:
    """Values (K, ...), float64; zero of labels that the network was never taught."""
    untaught = untaught_columns(one.altered).reshape(-1, *[1] * (values.ndim - 1))
    return np.where(untaught, 0, values).astype(np.float64)


def _map(parts: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores (K, n) per share of the film, float32 (K, h, w); a map's mean is the sum of its scores."""
    n_cells = min(_CELLS, *parts.shape)
    inside = np.stack([parts == i for i in range(scores.shape[1])])
    by_cell = area_resample(inside, (n_cells, n_cells))
    return np.einsum("kn,nhw->khw", scores / inside.mean((1, 2)), by_cell).astype(np.float32)
