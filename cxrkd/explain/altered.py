"""Altered films that networks are asked about: a film of which a part is seen, and a filling where it is not.

Explainers that need answers alone make masks and read maps off the logits; showing the films is the same for all. A
batch for a network is a step, so that others can go first in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrkd.explain.explainer import GridMaps, Network
from cxrkd.explain.similarity import spearman
from cxrkd.explain.steps import Step, Steps
from cxrkd.logits import require_numbers, untaught_columns

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

BATCH = 8
"""Altered films in one step; CPU engines take a few at a time in any case."""
_UNALTERED = -1


@dataclass(frozen=True)
class Masks:
    """What is seen of a film, again and again.

    Attributes:
        n: how many there are.
        draw: numbers (b,) of 0 to n - 1 -> how much of each pixel is seen, float32 (b, H, W) in [0, 1].
    """

    n: int
    draw: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Copies:
    """Altered copies of a film, of any kind.

    Attributes:
        n: how many there are.
        draw: numbers (b,) of 0 to n - 1 -> copies, float32 (b, H, W) in [0, 1].
    """

    n: int
    draw: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Answers:
    """What a network says of a film and of its altered copies.

    Attributes:
        film: logits float32 (K,).
        altered: logits float32 (n, K), by number of the mask.
    """

    film: np.ndarray
    altered: np.ndarray

    def known(self, maps: np.ndarray) -> np.ndarray:
        """Maps (..., K, h, w), float32; of labels that the network was never taught they are zero."""
        return np.where(untaught_columns(self.altered)[:, None, None], 0, maps).astype(np.float32)


@dataclass(frozen=True)
class AlteredMaps(GridMaps):
    """Maps that were read off answers to altered films.

    Attributes:
        made_with: settings, for JSON.
        halves: by network, float32 (2, K, h, w): maps from two halves of masks that were drawn by chance and have none
            in common; empty where chance has no part in the maps.
    """

    made_with: Mapping[str, Any] = field(default_factory=dict)
    halves: Mapping[str, np.ndarray] = field(default_factory=dict)

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The map, and the rank correlation of its halves where there are some."""
        if name not in self.halves:
            return super().figures(name, k)
        even, odd = self.halves[name][:, k].reshape(2, -1)
        return super().figures(name, k) | {"stability": float(spearman(even, odd))}

    def settings(self) -> dict[str, Any]:
        """What it was made with."""
        return dict(self.made_with)


def require_eval(classifier: Classifier) -> None:
    """Refuse a network whose answers hang on the rest of a batch.

    Raises:
        ValueError: it is in training mode.
    """
    if classifier.training:
        raise ValueError("expected a model in eval mode; call model.eval() once after loading")


def ask(
    networks: Mapping[str, Network],
    film: np.ndarray,
    filled: np.ndarray,
    masks: Mapping[str, Masks],
    steps: Steps,
    key: tuple[Hashable, ...],
) -> dict[str, Answers]:
    """Show a film and its altered copies to networks.

    Args:
        networks: by name.
        film: float32 (H, W) in [0, 1].
        filled: float32 (H, W), what is seen where a mask is 0.
        masks: by network.
        steps: how batches are shown.
        key: of everything that the masks hang on but the network's weights: a step's key begins with it.

    Raises:
        AnswerError: a network gives what is no number for some of the films.
        ValueError: a network is in training mode.
    """

    def seen(drawn: Masks, numbers: np.ndarray) -> np.ndarray:
        shares = drawn.draw(numbers)
        return film * shares + filled * (1 - shares)

    copies = {name: Copies(drawn.n, partial(seen, drawn)) for name, drawn in masks.items()}
    return ask_copies(networks, film, copies, steps, key)


def ask_copies(
    networks: Mapping[str, Network],
    film: np.ndarray,
    copies: Mapping[str, Copies],
    steps: Steps,
    key: tuple[Hashable, ...],
) -> dict[str, Answers]:
    """As `ask`, of copies that are made otherwise than by masks over one filling."""
    for network in networks.values():
        require_eval(network.classifier)

    def show(network: Network, drawn: Copies, first: int) -> np.ndarray:
        if first == _UNALTERED:
            return network.predict(film[None, None])
        altered = drawn.draw(np.arange(first, min(first + BATCH, drawn.n)))
        return network.predict(altered[:, None].astype(np.float32))

    shown = {
        name: [
            Step((*key, network.key, first), partial(show, network, copies[name], first))
            for first in (_UNALTERED, *range(0, copies[name].n, BATCH))
        ]
        for name, network in networks.items()
    }
    done = iter(steps([step for own in shown.values() for step in own]))
    answers = {}
    for name, own in shown.items():
        logits = np.concatenate([next(done) for _ in own])
        require_numbers(logits, networks[name].classifier.labels, name)
        answers[name] = Answers(logits[0], logits[1:])
    return answers
