"""Class-activation maps of every label at once, without hooks.

features -> head -> `torch.autograd.grad` on the features (`cxrkd.models.label_maps`): no hook, no `.grad`, no state on
the module, so any number of threads may explain one shared model. The backbone runs once and without a graph; a label
costs one backward pass through the head alone. Maps are raw and signed, on the grid of the features;
`cxrkd.explain.overlay` scales and colours them.

Where the head begins with a global mean pool (every network on offer but ViT), a logit's gradient is the same in every
cell: Grad-CAM, HiResCAM and XGrad-CAM are then one map, while Grad-CAM++ and LayerCAM leave out the channels that speak
against the label. On a ViT they differ, and HiResCAM is undefined.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.explain.cam_family import Cam, cams
from cxrkd.logits import require_numbers
from cxrkd.models.answers import numbers
from cxrkd.models.label_maps import label_gradients
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

_NONE = np.zeros(1, dtype=bool)  # no label is spared


@dataclass(frozen=True)
class CamResult:
    """Maps of one image for all labels.

    Attributes:
        method: one of `cam_family.cams`.
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


def as_batch(model: Classifier, films: np.ndarray) -> Tensor:
    """Films (B, H, W) as the model takes them: float32 (B, 1, H, W), where the model is."""
    x = torch.from_numpy(np.ascontiguousarray(films, dtype=np.float32))[:, None]
    return x.to(next(model.parameters()).device)


def grad_cams(model: Classifier, x: Tensor, method: str = "gradcam") -> tuple[np.ndarray, np.ndarray]:
    """Maps of a batch: see `grad_cam`.

    Args:
        model: in eval mode.
        x: float32 (B, 1, H, W) in [0, 1].
        method: one of `cam_family.cams`.

    Returns:
        cams float32 (B, K, h, w), raw and signed, and logits float32 (B, K).

    Raises:
        ConfigError: unknown method, or one that is undefined on this network (HiResCAM on ViT).
        AnswerError: a logit or a map is no number.
        ValueError: the model is in training mode, where a map would depend on the rest of the batch.
    """
    entry = _entry(method)
    acts, grads, logits = _label_gradients(model, x)
    return _maps(model, entry, acts, grads), numbers(model, _as_array(logits))


def grad_cams_by_method(model: Classifier, x: Tensor) -> dict[str, np.ndarray]:
    """Maps (B, K, h, w) by every method of the family that is defined on this network, from one forward pass.

    Raises:
        ValueError: the model is in training mode.
    """
    acts, grads, _ = _label_gradients(model, x)
    maps = {}
    for method, entry in cams().items():
        with suppress(ConfigError):  # undefined here, as HiResCAM is on ViT
            maps[method] = _maps(model, entry, acts, grads)
    return maps


def grad_cam(model: Classifier, x: Tensor, method: str = "gradcam") -> CamResult:
    """Maps of one image for all labels, for about the price of one forward pass.

    Equal to pytorch-grad-cam's maps at the layer that feeds the head, before its ReLU and min-max scaling.

    Args:
        model: in eval mode; never changed.
        x: float32 (1, 1, H, W) in [0, 1].
        method: one of `cam_family.cams`.

    Raises:
        ConfigError: unknown method, or one that is undefined on this network (HiResCAM on ViT).
        ValueError: the model is in training mode, or the batch is not one image.
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise ValueError(f"expected one image (1, 1, H, W), got {tuple(x.shape)}; grad_cams takes batches")
    maps, logits = grad_cams(model, x, method)
    return CamResult(method, maps[0], logits[0])


def _label_gradients(model: Classifier, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Activations (B,C,h,w), the gradient of each logit with respect to them (B,K,C,h,w), logits (B,K)."""
    if model.training:
        raise ValueError("expected a model in eval mode; call model.eval() once after loading")
    with torch.no_grad():
        features = model.forward_features(x)
    logits, grads = label_gradients(model, features)
    with torch.no_grad():
        return model.spatial(features), torch.stack([model.spatial(g) for g in grads], 1), logits.detach()


def _maps(model: Classifier, entry: Cam, acts: Tensor, grads: Tensor) -> np.ndarray:
    """Maps (B, K, h, w) of numbers; of a label that the network was never taught they are zero."""
    maps = _as_array(entry.combine(acts, grads))
    if not np.isfinite(maps).all():
        require_numbers(np.moveaxis(maps, 1, -1), model.labels, f"{entry.title} of {model.arch}", _NONE)
    return maps


def _entry(method: str) -> Cam:
    family = cams()
    if method not in family:
        raise ConfigError(f"Unknown map {shown(method)}: expected one of {', '.join(family)}.")
    return family[method]


def _as_array(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.float().cpu().numpy())
