"""LIME for several models at once: the same superpixels, the same hidden ones, all labels from one pass.

Ribeiro et al., KDD 2016, arXiv 1602.04938; the neighbourhood (cosine kernel of width 0.25) and the regression (ridge,
alpha 1, every superpixel kept) are those of `lime.lime_image`. Unlike lime, no superpixel is left out, all labels are
solved at once, and the local R2 is reported. Masks are drawn in rounds, each a balanced design in place of independent
coins (`cxrkd.explain.designs`), and rounds go on until the ranking of the superpixels is expected to repeat under other
masks (`cxrkd.explain.stability`). A model that is stable is asked no more, while the others go on.

The regression explains **logits** by default. Evidence adds up in logits, while a probability near 0 or 1 is flat: a
rare label at p = 0.01 would get weights that look like nothing, and teacher and student could not be laid side by side
when one of them is the more confident. `space="prob"` gives lime's own target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from cxrkd.errors import ConfigError
from cxrkd.explain.designs import block, block_size
from cxrkd.explain.lime_result import SPACES, LimeResult, Sampling, Space, count, fitted
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.segments import compose, filling, superpixels
from cxrkd.explain.steps import Step, Steps, in_turn
from cxrkd.logits import require_numbers
from cxrkd.text import shown

Predict = Callable[[np.ndarray], np.ndarray]
FILM = -1
"""In place of the first of a batch of masks: the unchanged image."""
BATCH = 8
"""Images in one step. CPU engines take a few at a time in any case (`runtime.protocol.CHUNK`), since activations of
more leave the caches; a step is what an answer to another film may have to wait for."""


def first_round(
    predicts: Mapping[str, Predict],
    pixels: np.ndarray,
    settings: LimeSettings,
    *,
    space: Space = "logit",
    steps: Steps = in_turn,
) -> LimeResult:
    """A first look: weights from one block of masks. Arguments and errors are those of `lime`."""
    _check(predicts, pixels, space)
    segments = superpixels(pixels, settings.n_segments)
    # Two rounds always fit: one alone does not know whether it would repeat.
    size = min(block_size(count(segments)), (settings.n_samples - 1) // 4 * 2)
    sampling = Sampling(settings, size, space)
    return fitted(segments, sampling, _round(predicts, pixels, segments, sampling, dict.fromkeys(predicts, 0), steps))


def next_round(
    known: LimeResult,
    predicts: Mapping[str, Predict],
    pixels: np.ndarray,
    *,
    labels: Sequence[int] | None = None,
    steps: Steps = in_turn,
) -> LimeResult:
    """The same with one block of masks more for each model that is not stable; equal to what all give at once."""
    numbers = {name: known.n_rounds(name) for name in known.unstable(labels)}
    answers = _round(predicts, pixels, known.segments, known.sampling, numbers, steps)
    longer = {name: np.concatenate([known.answers[name], answers[name]]) for name in numbers}
    return fitted(known.segments, known.sampling, {**known.answers, **longer})


def lime(
    predicts: Mapping[str, Predict],
    pixels: np.ndarray,
    settings: LimeSettings,
    *,
    labels: Sequence[int] | None = None,
    space: Space = "logit",
    steps: Steps = in_turn,
) -> LimeResult:
    """Explain one image with several models, round by round until it is stable or no more images may be shown.

    Args:
        predicts: name -> function from float32 (B, 1, H, W) in [0, 1] to logits (B, K), such as an engine's `predict`.
        pixels: float32 (H, W) in [0, 1].
        settings: superpixels, fill, masks, and until when; the same seed gives the same result.
        labels: that have to be stable; all unless told.
        space: what is regressed, see the module.
        steps: how the batches are shown to the models, one after the other unless told.

    Raises:
        ConfigError: no model, or an unknown space.
        AnswerError: a model gives what is no number for some of the masks.
        ValueError: pixels are not (H, W).
    """
    known = first_round(predicts, pixels, settings, space=space, steps=steps)
    while not known.standing(labels).over:
        known = next_round(known, predicts, pixels, labels=labels, steps=steps)
    return known


def _round(
    predicts: Mapping[str, Predict],
    pixels: np.ndarray,
    segments: np.ndarray,
    sampling: Sampling,
    numbers: Mapping[str, int],
    steps: Steps,
) -> dict[str, np.ndarray]:
    """Logits (size, K) of models for the masks of a round, each its own; round 0 begins with the unchanged image.

    Showing one batch to one model is a step.
    """
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    filled = filling(pixels, segments, sampling.settings.fill)
    rounds = {i: block(count(segments), sampling.settings.seed, i, sampling.size) for i in set(numbers.values())}

    def show(name: str, start: int) -> np.ndarray:
        masks = rounds[numbers[name]][start : start + BATCH]
        images = pixels[None, None] if start < 0 else compose(pixels, filled, segments, masks)
        return predicts[name](images)

    asked = [(start, name) for start in (FILM, *range(0, sampling.size, BATCH)) for name in numbers]
    asked = [(start, name) for start, name in asked if start != FILM or not numbers[name]]
    answers = steps([Step(((numbers[name], start), name), partial(show, name, start)) for start, name in asked])
    by_name = {name: [a for (_, own), a in zip(asked, answers, strict=True) if own == name] for name in numbers}
    return {name: _numbers(name, np.concatenate(own)) for name, own in by_name.items()}


def _numbers(name: str, logits: np.ndarray) -> np.ndarray:
    return require_numbers(logits, [f"label {k + 1}" for k in range(logits.shape[-1])], name)


def _check(predicts: Mapping[str, Predict], pixels: np.ndarray, space: str) -> None:
    if not predicts:
        raise ConfigError("LIME needs at least one model to explain, got none.")
    if pixels.ndim != 2:
        raise ValueError(f"expected grey pixels (H, W), got {pixels.shape}")
    if space not in SPACES:
        raise ConfigError(f"Unknown target {shown(space)}: expected one of {', '.join(SPACES)}.")
