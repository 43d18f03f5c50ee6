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
        answers: model -> float32 (N, K), logits of the unchanged image and of every mask that the model was shown:
            the same masks for all, more of them for a model that takes longer to be stable.
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
        """Images shown to the model that was shown most, the unchanged one included."""
        return max(map(len, self.answers.values()))

    def n_rounds(self, name: str) -> int:
        """How many blocks of masks a model was shown."""
        return (len(self.answers[name]) - 1) // self.sampling.size

    def unstable(self, labels: Sequence[int] | None = None) -> list[str]:
        """The models that need, and may be shown, one round more for these labels (all unless told)."""
        asked = self.sampling.settings
        missing = [
            name for name in self.answers if self.n_rounds(name) < 2 or self._least(name, labels) < asked.stability
        ]
        return [name for name in missing if len(self.answers[name]) + self.sampling.size <= asked.n_samples]

    def standing(self, labels: Sequence[int] | None = None) -> Stability:
        """How far it is, for the models and labels asked (all unless told) that repeat least."""
        asked, least = self.sampling.settings, [self._least(name, labels) for name in self.answers]
        known = [figure for figure in least if not np.isnan(figure)]
        reached, over = min(known, default=float("nan")), not self.unstable(labels)
        return Stability(reached, asked.stability, self.n_samples, asked.n_samples, over)

    def _least(self, name: str, labels: Sequence[int] | None) -> float:
        """Stability of the label of these that repeats least; NaN where none is known."""
        figures = self.stability[name] if labels is None else self.stability[name][list(labels)]
        return min((float(figure) for figure in figures if not np.isnan(figure)), default=float("nan"))

    def heat(self, name: str, k: int) -> np.ndarray:
        """Signed weights of label k painted on their superpixels, float32 (H, W)."""
        return self.weights[name][k][self.segments]

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The weights (S,), their R2, their stability, and how many images the model was shown."""
        r2, stability = float(self.r2[name][k]), float(self.stability[name][k])
        known = {"r2": r2, "stability": stability, "n_samples": len(self.answers[name])}
        return {"weights": self.weights[name][k], **known}

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
    most, size = max(map(len, answers.values())), sampling.size
    rounds = [block(count(segments), sampling.settings.seed, i, size) for i in range((most - 1) // size)]
    masks = np.concatenate([np.ones((1, count(segments)), dtype=bool), *rounds])
    targets = {name: expit(z) if sampling.space == "prob" else z for name, z in answers.items()}
    whole = {name: _fit(masks[: len(y)], y) for name, y in targets.items()}
    return LimeResult(
        segments=segments,
        weights={name: fit.weights for name, fit in whole.items()},
        intercept={name: fit.intercept for name, fit in whole.items()},
        r2={name: fit.r2 for name, fit in whole.items()},
        halves={name: _halves(masks[1 : len(y)], y[1:], size) for name, y in targets.items()},
        stability={name: repeats(_by_round(masks, y, size)) for name, y in targets.items()},
        sampling=sampling,
        answers=answers,
    )


def _by_round(masks: np.ndarray, targets: np.ndarray, size: int) -> list[np.ndarray]:
    """Weights (K, S) from each round."""
    starts = range(1, len(targets), size)
    return [_fit(masks[i : i + size], targets[i : i + size]).weights for i in starts]


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
