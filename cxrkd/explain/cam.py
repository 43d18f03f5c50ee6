"""Class-activation maps of every label at once, without hooks.

features -> head -> `torch.autograd.grad` on the features: no hook, no `.grad`, no state on the module, so any number of
threads may explain one shared model. The backbone runs once and without a graph; a label costs one backward pass
through the head alone. Maps are raw and signed, on the grid of the features; `cxrkd.explain.overlay` scales and
colours them.

Where the head begins with a global mean pool (every network on offer but ViT), a logit's gradient is the same in every
cell: Grad-CAM, HiResCAM and XGrad-CAM are then one map, while Grad-CAM++ and LayerCAM leave out the channels that speak
against the label. On a ViT they differ, and HiResCAM is undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.logits import require_numbers
from cxrkd.models.answers import numbers
from cxrkd.models.label_maps import gradcam_maps, hirescam_maps, label_gradients, layercam_maps
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

_NONE = np.zeros(1, dtype=bool)  # no label is spared
Combine = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CamResult:
    """Maps of one image for all labels.

    Attributes:
        method: one of CAM_METHODS.
        cams: float32 (K, h, w), raw and signed, on the grid of the features (7 x 7 for most networks at 224).
        logits: float32 (K,) of the same forward pass.
    """

    method: str
    cams: np.ndarray
    logits: np.ndarray

    @property
    def positive_evidence(self) -> np.ndarray:
        """Of each label (K,): False where no cell speaks for the label, so that there is nothing to draw."""
        return np.asarray((self.cams > 0).any(axis=(1, 2)))


def _hirescam(acts: Tensor, grads: Tensor) -> Tensor:
    """Gradient times activation, summed over channels (Draelos & Carin, arXiv 2011.08891).

    A head that only sees a token through a layer norm does not change with the token's scale, so by Euler's theorem the
    sum is zero there and what is computed is rounding noise: 5e-7 of its terms on ViT, 5e-2 or more on all others.
    """
    cams = hirescam_maps(acts, grads)
    if cams.abs().max() < 1e-4 * torch.einsum("bkchw,bchw->bkhw", grads.abs(), acts.abs()).max():
        raise ConfigError("HiResCAM is zero everywhere on this network, which normalises each token: choose Grad-CAM.")
    return cams


def _gradcam_plus_plus(acts: Tensor, grads: Tensor) -> Tensor:
    """Positive gradients weighted by equation 19 of Chattopadhay et al., WACV 2018, arXiv 1710.11063."""
    squared = grads**2
    total = acts.sum((-2, -1), keepdim=True).unsqueeze(1)
    alpha = squared / (2 * squared + total * squared * grads + 1e-6)
    weights = (grads.clamp(min=0) * torch.where(grads != 0, alpha, 0)).sum((-2, -1))
    return torch.einsum("bkc,bchw->bkhw", weights, acts)


def _xgradcam(acts: Tensor, grads: Tensor) -> Tensor:
    """Gradients averaged with the activations as weights (Fu et al., BMVC 2020, arXiv 2008.02312).

    Meant for features that are not negative: it divides by a channel's sum, which for signed ones may be near zero.
    """
    weights = torch.einsum("bkchw,bchw->bkc", grads, acts) / (acts.sum((-2, -1)).unsqueeze(1) + 1e-7)
    return torch.einsum("bkc,bchw->bkhw", weights, acts)


_COMBINE: dict[str, Combine] = {
    "gradcam": gradcam_maps,
    "hirescam": _hirescam,
    "gradcam++": _gradcam_plus_plus,
    "xgradcam": _xgradcam,
    "layercam": layercam_maps,
}
CAM_METHODS: tuple[str, ...] = tuple(_COMBINE)
CAM_NAMES: dict[str, str] = {
    "gradcam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "gradcam++": "Grad-CAM++",
    "xgradcam": "XGrad-CAM",
    "layercam": "LayerCAM",
}
CAM_NOTES: dict[str, str] = {
    "gradcam": "Evidence for the label minus evidence against it, by channel.",
    "hirescam": "The same as Grad-CAM where a network ends in a mean pool, as all but ViT do; undefined on ViT.",
    "gradcam++": "Only channels that speak for the label, each weighted by how local its evidence is.",
    "xgradcam": "The same as Grad-CAM where a network ends in a mean pool, as all but ViT do.",
    "layercam": "Only what speaks for the label, cell by cell.",
}


def _label_gradients(model: Classifier, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Activations (B,C,h,w), the gradient of each logit with respect to them (B,K,C,h,w), logits (B,K)."""
    with torch.no_grad():
        features = model.forward_features(x)
    logits, grads = label_gradients(model, features)
    with torch.no_grad():
        return model.spatial(features), torch.stack([model.spatial(g) for g in grads], 1), logits.detach()


def grad_cams(model: Classifier, x: Tensor, method: str = "gradcam") -> tuple[np.ndarray, np.ndarray]:
    """Maps of a batch: see `grad_cam`.

    Args:
        model: in eval mode.
        x: float32 (B, 1, H, W) in [0, 1].
        method: one of CAM_METHODS.

    Returns:
        cams float32 (B, K, h, w), raw and signed, and logits float32 (B, K).

    Raises:
        ConfigError: unknown method, or one that is undefined on this network (HiResCAM on ViT).
        AnswerError: a logit or a map is no number.
        ValueError: the model is in training mode, where a map would depend on the rest of the batch.
    """
    _check(model, [method])
    acts, grads, logits = _label_gradients(model, x)
    return _maps(model, method, acts, grads), numbers(model, _as_array(logits))


def grad_cams_by_method(model: Classifier, x: Tensor) -> dict[str, np.ndarray]:
    """Maps (B, K, h, w) by every method of CAM_METHODS that is defined on this network, from one forward pass.

    Raises:
        ValueError: the model is in training mode.
    """
    _check(model, CAM_METHODS)
    acts, grads, _ = _label_gradients(model, x)
    found = {}
    for method in CAM_METHODS:
        with suppress(ConfigError):  # undefined here, as HiResCAM is on ViT
            found[method] = _maps(model, method, acts, grads)
    return found


def _maps(model: Classifier, method: str, acts: Tensor, grads: Tensor) -> np.ndarray:
    """Maps (B, K, h, w) of numbers; of a label that the network was never taught they are zero."""
    cams = _as_array(_COMBINE[method](acts, grads))
    if not np.isfinite(cams).all():
        require_numbers(np.moveaxis(cams, 1, -1), model.labels, f"{CAM_NAMES[method]} of {model.arch}", _NONE)
    return cams


def _check(model: Classifier, methods: Iterable[str]) -> None:
    for method in methods:
        if method not in _COMBINE:
            raise ConfigError(f"Unknown map {shown(method)}: expected one of {', '.join(CAM_METHODS)}.")
    if model.training:
        raise ValueError("expected a model in eval mode; call model.eval() once after loading")


def _as_array(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.float().cpu().numpy())


def grad_cam(model: Classifier, x: Tensor, method: str = "gradcam") -> CamResult:
    """Maps of one image for all labels, for about the price of one forward pass.

    Equal to pytorch-grad-cam's maps at the layer that feeds the head, before its ReLU and min-max scaling.

    Args:
        model: in eval mode; never changed.
        x: float32 (1, 1, H, W) in [0, 1].
        method: one of CAM_METHODS.

    Raises:
        ConfigError: unknown method, or one that is undefined on this network (HiResCAM on ViT).
        ValueError: the model is in training mode, or the batch is not one image.
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise ValueError(f"expected one image (1, 1, H, W), got {tuple(x.shape)}; grad_cams takes batches")
    cams, logits = grad_cams(model, x, method)
    return CamResult(method, cams[0], logits[0])
