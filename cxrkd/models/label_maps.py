"""Where in the features the evidence for each label is: maps that can be looked at, and learned from.

features -> head -> `torch.autograd.grad` on the features: no hook, no `.grad`, no state on the module, so any number of
threads may ask one shared network. The backbone runs once; a label costs one backward pass through the head alone. With
`create_graph` the maps can be differentiated in turn, with respect to features and head, so that a student can be
taught where to look.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier


def label_gradients(model: Classifier, features: Tensor, *, create_graph: bool = False) -> tuple[Tensor, list[Tensor]]:
    """What the head says of features, and how each logit changes with them.

    Args:
        model: any classifier; its weights get no gradient from this call.
        features: what its `forward_features` returned. Without `create_graph` they are cut from their graph.
        create_graph: whether logits and gradients can be differentiated, with respect to the head and to the features.

    Returns:
        logits (B, K), and for each label the gradient of its logit, of the features' shape.
    """
    features = features if create_graph else features.detach().requires_grad_()
    with torch.enable_grad(), _attention(create_graph):
        logits = model.forward_head(features)
        # An image's logit depends on its own features only: the gradient of the batch's sum is each image's own.
        grads = [
            torch.autograd.grad(column.sum(), features, retain_graph=True, create_graph=create_graph)[0]
            for column in logits.unbind(1)
        ]
    return logits, grads


def label_maps(model: Classifier, features: Tensor, *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
    """Logits (B, K) and the Grad-CAM map of every label (B, K, h, w): float32 under autocast too, raw and signed.

    Args:
        model: any classifier.
        features: what its `forward_features` returned.
        create_graph: whether both can be differentiated; see `label_gradients`.
    """
    logits, grads = label_gradients(model, features, create_graph=create_graph)
    with torch.set_grad_enabled(create_graph), torch.autocast(features.device.type, enabled=False):
        # Label by label: all gradients side by side would take K times the memory of the features.
        weights = torch.stack([model.spatial(grad).float().mean((-2, -1)) for grad in grads], 1)
        maps = torch.einsum("bkc,bchw->bkhw", weights, model.spatial(features).float())
    return logits if create_graph else logits.detach(), maps


def marked_maps(model: Classifier, features: Tensor, films: Tensor, labels: Tensor) -> Tensor:
    """The Grad-CAM maps of some films and labels alone, (M, h, w): float32, raw and signed; can be differentiated.

    A batch has a few lesions that are marked; maps of all its labels would cost many times as much.

    Args:
        model: any classifier.
        features: what its `forward_features` returned for B images, with their graph.
        films: int64 (M,), places in the batch.
        labels: int64 (M,), columns of the logits, one for each of those films.
    """
    shape = model.spatial(features).shape[-2:]
    maps = features.new_zeros((len(films), *shape), dtype=torch.float32)
    with torch.enable_grad(), _attention(True):
        for label in labels.unique().tolist():
            places = torch.nonzero(labels == label)[:, 0]
            own = features[films[places]]
            (grad,) = torch.autograd.grad(model.forward_head(own)[:, label].sum(), own, create_graph=True)
            with torch.autocast(features.device.type, enabled=False):
                weights = model.spatial(grad).float().mean((-2, -1))
                own_maps = torch.einsum("bc,bchw->bhw", weights, model.spatial(own).float())
            maps = maps.index_copy(0, places, own_maps)
    return maps


def gradcam_maps(acts: Tensor, grads: Tensor) -> Tensor:
    """Channels weighted by their mean gradient (Selvaraju et al., ICCV 2017, arXiv 1610.02391).

    Args:
        acts: features, float (B, C, h, w).
        grads: of each logit with respect to them, float (B, K, C, h, w).

    Returns:
        raw and signed, (B, K, h, w); as `hirescam_maps` and `layercam_maps`.
    """
    return torch.einsum("bkc,bchw->bkhw", grads.mean((-2, -1)), acts)


def hirescam_maps(acts: Tensor, grads: Tensor) -> Tensor:
    """Gradient times activation, summed over channels (Draelos & Carin, arXiv 2011.08891); see `gradcam_maps`."""
    return torch.einsum("bkchw,bchw->bkhw", grads, acts)


def layercam_maps(acts: Tensor, grads: Tensor) -> Tensor:
    """Positive gradient times activation, cell by cell (Jiang et al., IEEE TIP 2021); see `gradcam_maps`."""
    return torch.einsum("bkchw,bchw->bkhw", grads.clamp(min=0), acts)


def _attention(twice: bool) -> AbstractContextManager[object]:
    """Fused attention has no second derivative; the plain one has."""
    return sdpa_kernel([SDPBackend.MATH]) if twice else nullcontext()
