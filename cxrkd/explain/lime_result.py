"""What LIME knows of one film after some rounds: weights, how well they fit, and whether they would repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import expit

from cxrkd.explain.designs import block
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.stability import Stability, repeats
from cxrkd.explain.surrogate import Surrogate, proximity, weighted_ridge

Space = Literal["logit", "prob"]
SPACES: tuple[Space, ...] = get_args(Space)


@dataclass(frozen=True)
class Sampling:
    """What is shown to the models, and until when.

    Attributes:
        settings: what was asked for.
        size: masks of a round.
        space: what is regressed, "logit" or "prob".
    """

    settings: LimeSettings
    size: int
    space: Space


@dataclass(frozen=True)
class LimeResult:
    """Explanations of one image by several models over the same superpixels.

    Attributes:
        segments: int32 (H, W), numbers 0 to S - 1.
        weights: model -> float32 (K, S): what seeing a superpixel adds to the output of a label.
        intercept: model -> float32 (K,), the linear model's output with everything hidden.
        r2: model -> float32 (K,), weighted R2 of the linear model on its own samples, at most 1; NaN if the output
            never changed. Low means that the weights below it describe little.
        halves: model -> float32 (2, K, S), weights from the even and from the odd rounds, which share no mask; of as
            many rounds each. NaN after a single round.
        stability: model -> (K,), rank correlation that weights from as many other masks are expected to have with
            these; NaN after a single round and where no weight differs.
        sampling: what was shown.
        answers: model -> float32 (N, K), logits of the unchanged image and of every mask.
    """

    segments: np.ndarray
    weights: dict[str, np.ndarray]
    intercept: dict[str, np.ndarray]
    r2: dict[str, np.ndarray]
    halves: dict[str, np.ndarray]
    stability: dict[str, np.ndarray]
    sampling: Sampling
    answers: Mapping[str, np.ndarray] = field(repr=False)

    @property
    def logits(self) -> dict[str, np.ndarray]:
        """Model -> float32 (K,) of the unchanged image."""
        return {name: answers[0] for name, answers in self.answers.items()}

    @property
    def n_samples(self) -> int:
        """Images shown to each model, the unchanged one included."""
        return len(next(iter(self.answers.values())))

    @property
    def n_rounds(self) -> int:
        """How many blocks of masks were shown."""
        return (self.n_samples - 1) // self.sampling.size

    @property
    def full(self) -> bool:
        """Whether one round more would be more than is allowed."""
        return self.n_samples + self.sampling.size > self.sampling.settings.n_samples

    def standing(self, labels: Sequence[int] | None = None) -> Stability:
        """How far it is, for the models and labels asked (all unless told) that repeat least."""
        chosen = slice(None) if labels is None else list(labels)
        figures = np.concatenate([stability[chosen] for stability in self.stability.values()])
        known = figures[~np.isnan(figures)]
        reached = float(known.min()) if len(known) else float("nan")
        asked = self.sampling.settings
        over = self.full or (self.n_rounds > 1 and not reached < asked.stability)
        return Stability(reached, asked.stability, self.n_samples, asked.n_samples, over)

    def heat(self, name: str, k: int) -> np.ndarray:
        """Signed weights of label k painted on their superpixels, float32 (H, W)."""
        return self.weights[name][k][self.segments]

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The weights (S,), their R2 and their stability."""
        r2, stability = float(self.r2[name][k]), float(self.stability[name][k])
        return {"weights": self.weights[name][k], "r2": r2, "stability": stability}

    def settings(self) -> dict[str, Any]:
        """What was shown to the models."""
        asked = self.sampling.settings
        until = {"n_samples": self.n_samples, "most_samples": asked.n_samples, "target_stability": asked.stability}
        own = {"fill": asked.fill, "space": self.sampling.space, "seed": asked.seed}
        return until | own | {"n_segments": count(self.segments)}


def count(segments: np.ndarray) -> int:
    """How many superpixels (H, W) there are."""
    return int(segments.max()) + 1


def fitted(segments: np.ndarray, sampling: Sampling, answers: Mapping[str, np.ndarray]) -> LimeResult:
    """The regression of all rounds together, and of parts of them.

    Args:
        segments: int32 (H, W).
        sampling: how the masks were drawn.
        answers: model -> logits (N, K) of the unchanged image and of whole rounds.
    """
    n, size = len(next(iter(answers.values()))), sampling.size
    rounds = [block(count(segments), sampling.settings.seed, i, size) for i in range((n - 1) // size)]
    masks = np.concatenate([np.ones((1, count(segments)), dtype=bool), *rounds])
    of_round = [slice(1 + i * size, 1 + (i + 1) * size) for i in range(len(rounds))]
    targets = {name: expit(z) if sampling.space == "prob" else z for name, z in answers.items()}
    whole = {name: _fit(masks, y) for name, y in targets.items()}
    parts = {name: [_fit(masks[rows], y[rows]).weights for rows in of_round] for name, y in targets.items()}
    return LimeResult(
        segments=segments,
        weights={name: fit.weights for name, fit in whole.items()},
        intercept={name: fit.intercept for name, fit in whole.items()},
        r2={name: fit.r2 for name, fit in whole.items()},
        halves={name: _halves(masks[1:], y[1:], size) for name, y in targets.items()},
        stability={name: repeats(each) for name, each in parts.items()},
        sampling=sampling,
        answers=answers,
    )


def _fit(masks: np.ndarray, targets: np.ndarray) -> Surrogate:
    return weighted_ridge(masks, targets, proximity(masks))


def _halves(masks: np.ndarray, targets: np.ndarray, size: int) -> np.ndarray:
    """Weights (2, K, S) from the even and from the odd rounds; the last of an odd number is in neither."""
    pairs = len(masks) // (2 * size)
    if not pairs:
        return np.full((2, targets.shape[1], masks.shape[1]), np.nan, np.float32)
    number = np.arange(len(masks)) // size
    rows = [(number % 2 == parity) & (number < 2 * pairs) for parity in (0, 1)]
    return np.stack([_fit(masks[half], targets[half]).weights for half in rows])
