"""Score-CAM: each channel of the features shows its part of the film, and counts by what the network says of that part.

Wang et al., CVPRW 2020, arXiv 1910.01279. A channel A_c is drawn up to the film's size, scaled to [0, 1] and multiplied
with the film; S_c are the logits of what is left. As published (algorithm 1, and pytorch-grad-cam) weights are the
softmax of a label's logits over channels:

    softmax   map = sum_c softmax(S)_c A_c

It never speaks against a label, and where logits differ little it is the mean of the channels for every label alike. By
default a channel counts by how far its logit lies from their mean, and from its least cell up, of which it shows
nothing (the features of transformers are signed). Up to a constant that is the softmax to first order, less the mean of
the channels: signed, and zero where the channels make no difference to the label.

    centred   map = mean_c (S_c - mean S) (A_c - min A_c)

One pass a channel serves all labels; pytorch-grad-cam makes that pass for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import softmax

from cxrkd.explain.altered import AlteredMaps, Masks, ask, require_eval
from cxrkd.explain.cam import as_batch
from cxrkd.explain.explainer import Network
from cxrkd.explain.steps import Step, Steps
from cxrkd.models.classifier import Classifier

Weights = Literal["centred", "softmax"]
_FLAT = 1e-6  # of a channel's largest value: rounding, which would be drawn as a mask


def channels(classifier: Classifier, film: np.ndarray, n: int) -> np.ndarray:
    """The n channels (n, h, w) of the features that vary most over the film (H, W), in their own order; all if fewer.

    Raises:
        ValueError: the network is in training mode.
    """
    require_eval(classifier)
    with torch.inference_mode():
        (acts,) = classifier.spatial(classifier.forward_features(as_batch(classifier, film[None]))).float().cpu()
        variance = acts.flatten(1).double().var(1, correction=0)
        kept = variance.argsort(descending=True, stable=True)[:n].sort().values
        return np.asarray(acts[kept].numpy())


def as_masks(acts: np.ndarray, side: int) -> np.ndarray:
    """Channels (b, h, w) as what they show of a film: bilinear, corners on corners, scaled to [0, 1]; (b, S, S)."""
    with torch.inference_mode():
        drawn = torch.nn.functional.interpolate(
            torch.from_numpy(acts)[None], size=(side, side), mode="bilinear", align_corners=True
        )[0]
        low, high = drawn.amin((1, 2), keepdim=True), drawn.amax((1, 2), keepdim=True)
        varies = high - low > _FLAT * torch.maximum(high.abs(), low.abs())
        return np.asarray(torch.where(varies, (drawn - low) / (high - low + 1e-8), 0).numpy())


def combine(acts: np.ndarray, scores: np.ndarray, weights: Weights) -> np.ndarray:
    """Maps (K, h, w) of channels (C, h, w) and the logits (C, K) of what they show; see the module."""
    scores = scores.astype(np.float64)
    if weights == "softmax":
        return np.asarray(np.einsum("ck,chw->khw", softmax(scores, axis=0), acts))
    shown = acts - acts.min(axis=(1, 2), keepdims=True)
    return np.asarray(np.einsum("ck,chw->khw", scores - scores.mean(0), shown) / len(acts))


def scorecam(
    networks: Mapping[str, Network],
    film: np.ndarray,
    n_channels: int,
    weights: Weights,
    steps: Steps,
    key: tuple[Any, ...],
) -> AlteredMaps:
    """Maps of all labels by all networks, each on the grid of its features; see the module and `altered.ask`.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        n_channels: of each network that are shown, those that vary most over the film.
        weights: how a channel counts.
        steps: how batches are shown.
        key: of the film and these settings.
    """
    asked = [
        Step((*key, network.key, "channels"), partial(channels, network.classifier, film, n_channels))
        for network in networks.values()
    ]
    acts = dict(zip(networks, steps(asked), strict=True))
    masks = {name: Masks(len(own), partial(_drawn, own, film.shape[-1])) for name, own in acts.items()}
    answers = ask(networks, film, np.zeros_like(film), masks, steps, key)
    return AlteredMaps(
        logits={name: one.film for name, one in answers.items()},
        maps={name: one.known(combine(acts[name], one.altered, weights)) for name, one in answers.items()},
        made_with={"n_channels": n_channels, "weights": weights},
    )


def _drawn(acts: np.ndarray, side: int, numbers: np.ndarray) -> np.ndarray:
    return as_masks(acts[numbers], side)
