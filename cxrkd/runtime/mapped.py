"""A network that answers and shows where, in one pass forward: logits, and the Grad-CAM map of every label.

Where a head begins with a global mean pool, a logit's gradient is the same in every cell of the features, and it is the
gradient at the pooled features over the number of cells: with p the mean of A over n cells,

    d z_k / d A_c(u, v) = (1 / n) d z_k / d p_c,      map_k = (1 / n) sum_c (d z_k / d p_c) A_c

(Selvaraju et al., ICCV 2017). The Jacobian d z / d p (K, C) of a head that is itself not linear is written out as a
graph once, when the network is exported; whoever runs the file needs no automatic differentiation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._decomp import core_aten_decompositions
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.functional import conv2d

from cxrkd.errors import EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.models.label_maps import label_maps
from cxrkd.models.tracing import TRACING
from cxrkd.runtime.export import GreyNetwork, fold_normalisation

TOLERANCE = 1e-3
"""Largest difference from the Grad-CAM of automatic differentiation, as a share of the largest value of any map."""


class MappedNetwork(nn.Module):
    """Logits and maps of one image.

    Args:
        network: a classifier, or what `fold_normalisation` makes of one.
        head: pooled features (1, C, 1, 1) -> logits (1, K) and their Jacobian (K, C).
    """

    def __init__(self, network: Classifier | GreyNetwork, head: GraphModule) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (1, K) and raw signed maps (1, K, h, w) of x, float32 (1, 1, H, W) in [0, 1]."""
        features = self.network.forward_features(x)
        logits, jacobian = self.head(features.mean((2, 3), keepdim=True))
        maps = torch.matmul(jacobian, features.flatten(2)) / (features.shape[2] * features.shape[3])
        return logits, maps.unflatten(2, features.shape[2:])


def with_maps(model: Classifier) -> MappedNetwork:
    """The network with its maps, normalisation folded into its first layer.

    Args:
        model: not kept; its weights are changed, pass a copy. In eval mode, on the CPU, without gradients.

    Raises:
        EngineError: its head does not begin with a mean over the cells of its features, so that there is no such form.
    """
    film = torch.rand(1, 1, model.input_size, model.input_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = model.forward_features(film)
    logits, maps = label_maps(model, features)
    if model.spatial(features) is not features:
        raise EngineError(_refusal(model, "keeps its features in another layout than channels, rows and columns"))
    try:
        mapped = MappedNetwork(fold_normalisation(model), _head_with_jacobian(model, features.shape[1]))
    except Exception as error:  # whatever a head of another form raises when it is given one cell
        raise EngineError(_refusal(model, "has a head that does not work on the mean of its features")) from error
    with torch.no_grad():
        own_logits, own_maps = mapped(film)
    if not _same(own_logits, logits) or not _same(own_maps, maps):
        raise EngineError(_refusal(model, "has a head that does not begin with the mean of its features"))
    return mapped


def _refusal(model: Classifier, why: str) -> str:
    return (
        f"{model.arch} {why}, so its maps cannot be written into its graph: expected a convolutional network whose "
        "head begins with a global mean pool; export it to onnx, without maps."
    )


def _same(own: Tensor, expected: Tensor) -> bool:
    """A label that nobody taught is no number in both."""
    own, expected = own.nan_to_num(nan=0.0), expected.nan_to_num(nan=0.0)
    return own.shape == expected.shape and bool((own - expected).abs().max() <= TOLERANCE * expected.abs().max())


def _head_with_jacobian(model: Classifier, channels: int) -> GraphModule:
    """Pooled features (1, C, 1, 1) -> logits (1, K) and their Jacobian (K, C), as one graph of plain operations."""
    n_labels = len(model.labels)

    def both(pooled: Tensor) -> tuple[Tensor, Tensor]:
        logits, pull = torch.func.vjp(model.forward_head, pooled)[:2]
        (gradients,) = torch.func.vmap(pull)(torch.eye(n_labels)[:, None])
        return logits, gradients.flatten(1)

    table = {**core_aten_decompositions(), torch.ops.aten.convolution_backward.default: _pointwise_backward}
    with TRACING:
        graph = make_fx(both, decomposition_table=table)(torch.zeros(1, channels, 1, 1))
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _pointwise_backward(grad: Tensor, x: Tensor, weight: Tensor, *rest: object) -> tuple[Tensor, None, None]:
    """The gradient of a 1 x 1 convolution with respect to its input, which ONNX has no operation for."""
    if weight.shape[2:] != (1, 1) or weight.shape[1] != x.shape[1]:
        raise NotImplementedError("only 1 x 1 convolutions without groups")
    return conv2d(grad, weight.transpose(0, 1)), None, None
