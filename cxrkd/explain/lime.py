"""LIME for several models at once: the same superpixels, the same hidden ones, all labels from one pass.

Ribeiro et al., KDD 2016, arXiv 1602.04938; the neighbourhood (cosine kernel of width 0.25) and the regression (ridge,
alpha 1, every superpixel kept) are those of `lime.lime_image`. Unlike lime, masks are antithetic and seeded, no
superpixel is left out, all labels are solved at once, and the local R2 is reported.

The regression explains **logits** by default. Evidence adds up in logits, while a probability near 0 or 1 is flat: a
rare label at p = 0.01 would get weights that look like nothing, and teacher and student could not be laid side by side
when one of them is the more confident. `space="prob"` gives lime's own target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import expit

from cxrkd.errors import ConfigError
from cxrkd.explain.lime_settings import MIN_SAMPLES, Fill
from cxrkd.explain.segments import antithetic_masks, compose, filling, superpixels
from cxrkd.explain.similarity import spearman
from cxrkd.explain.steps import Step, Steps, in_turn
from cxrkd.explain.surrogate import proximity, split_half, weighted_ridge
from cxrkd.logits import require_numbers
from cxrkd.text import shown

Space = Literal["logit", "prob"]
SPACES: tuple[Space, ...] = get_args(Space)
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LimeResult:
    """Explanations of one image by several models over the same superpixels.

    Attributes:
        segments: int32 (H, W), numbers 0 to S - 1.
        weights: model -> float32 (K, S): what seeing a superpixel adds to the output of a label.
        intercept: model -> float32 (K,), the linear model's output with everything hidden.
        r2: model -> float32 (K,), weighted R2 of the linear model on its own samples, at most 1; NaN if the output
            never changed. Low means that the weights below it describe little.
        halves: model -> float32 (2, K, S), weights from two halves of the samples that share no mask.
        logits: model -> float32 (K,) of the unchanged image.
        n_samples: images shown to each model, the unchanged one included.
        fill: what hidden superpixels were replaced with.
        space: what was regressed, "logit" or "prob".
        seed: of the masks.
    """

    segments: np.ndarray
    weights: dict[str, np.ndarray]
    intercept: dict[str, np.ndarray]
    r2: dict[str, np.ndarray]
    halves: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    n_samples: int
    fill: Fill
    space: Space
    seed: int

    def stability(self, name: str) -> np.ndarray:
        """Spearman's correlation (K,) of a model's weights from the two halves."""
        return spearman(*self.halves[name])

    def heat(self, name: str, k: int) -> np.ndarray:
        """Signed weights of label k painted on their superpixels, float32 (H, W)."""
        return self.weights[name][k][self.segments]

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The weights (S,), their R2 and their stability."""
        stability = spearman(*self.halves[name][:, k])
        return {"weights": self.weights[name][k], "r2": float(self.r2[name][k]), "stability": float(stability)}

    def settings(self) -> dict[str, Any]:
        """What was shown to the models."""
        n_segments = int(self.segments.max()) + 1
        own = {"n_samples": self.n_samples, "fill": self.fill, "space": self.space, "seed": self.seed}
        return own | {"n_segments": n_segments}


def _outputs(
    predicts: Mapping[str, Predict],
    batches: list[np.ndarray],
    image: Callable[[np.ndarray], np.ndarray],
    steps: Steps,
) -> dict[str, np.ndarray]:
    """Logits (N, K) of every model for every mask; showing one batch to one model is a step."""

    def show(batch: int, name: str) -> np.ndarray:
        return predicts[name](image(batches[batch]))

    asked = [(batch, name) for batch in range(len(batches)) for name in predicts]
    answers = steps([Step(key, partial(show, *key)) for key in asked])
    return {name: _numbers(name, np.concatenate(answers[i :: len(predicts)])) for i, name in enumerate(predicts)}


def _numbers(name: str, logits: np.ndarray) -> np.ndarray:
    return require_numbers(logits, [f"label {k + 1}" for k in range(logits.shape[-1])], name)


def _check(predicts: Mapping[str, Predict], pixels: np.ndarray, n_samples: int, space: str) -> None:
    if not predicts:
        raise ConfigError("LIME needs at least one model to explain, got none.")
    if pixels.ndim != 2:
        raise ValueError(f"expected grey pixels (H, W), got {pixels.shape}")
    if n_samples < MIN_SAMPLES:
        raise ConfigError(f"LIME needs at least {MIN_SAMPLES} samples, got {n_samples}; 300 is a good number.")
    if space not in SPACES:
        raise ConfigError(f"Unknown target {shown(space)}: expected one of {', '.join(SPACES)}.")


def lime(
    predicts: Mapping[str, Predict],
    pixels: np.ndarray,
    n_samples: int = 300,
    n_segments: int = 60,
    seed: int = 0,
    fill: Fill = "blur",
    *,
    space: Space = "logit",
    batch_size: int = 32,
    steps: Steps = in_turn,
) -> LimeResult:
    """Explain one image with several models.

    Args:
        predicts: name -> function from float32 (B, 1, H, W) in [0, 1] to logits (B, K), such as an engine's `predict`.
        pixels: float32 (H, W) in [0, 1].
        n_samples: images shown to each model, the unchanged one included.
        n_segments: about how many superpixels.
        seed: of the masks; the same seed gives the same result.
        fill: what a hidden superpixel shows, one of `segments.FILLS`.
        space: what is regressed, see the module.
        batch_size: images composed and predicted at a time.
        steps: how the batches are shown to the models, one after the other unless told.

    Raises:
        ConfigError: no model, too few samples, unknown fill or space.
        AnswerError: a model gives what is no number for some of the masks.
        ValueError: pixels are not (H, W).
    """
    _check(predicts, pixels, n_samples, space)
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    segments = superpixels(pixels, n_segments)
    filled = filling(pixels, segments, fill)
    masks = antithetic_masks(n_samples, int(segments.max()) + 1, seed)
    batches = [masks[i : i + batch_size] for i in range(0, n_samples, batch_size)]
    logits = _outputs(predicts, batches, lambda m: compose(pixels, filled, segments, m), steps)
    targets = {name: expit(z) if space == "prob" else z for name, z in logits.items()}
    near = proximity(masks)
    fits = {name: weighted_ridge(masks, y, near) for name, y in targets.items()}
    return LimeResult(
        segments=segments,
        weights={name: fit.weights for name, fit in fits.items()},
        intercept={name: fit.intercept for name, fit in fits.items()},
        r2={name: fit.r2 for name, fit in fits.items()},
        halves={name: split_half(masks, y, near) for name, y in targets.items()},
        logits={name: z[0] for name, z in logits.items()},
        n_samples=n_samples,
        fill=fill,
        space=space,
        seed=seed,
    )
