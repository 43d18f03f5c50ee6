"""What a network costs on paper: parameters, multiply-adds, size.

MACs are the multiply-adds of convolutions, linear layers and matrix products, attention included, for one image.
Normalisation, activations and pooling are left out, as in torchvision's tables. The "FLOPs" of the paper are MACs.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from cxrkd.cost.complexity import Complexity
from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Classifier
from cxrkd.models.tracing import TRACING
from cxrkd.models.weights import stored_dtype


def count(model: Classifier, input_size: int | None = None) -> Complexity:
    """The complexity of a classifier.

    Args:
        model: not run and not changed.
        input_size: side of the input in pixels; the model's own unless given.

    Raises:
        ConfigError: the network does not take that size.
    """
    size = model.input_size if input_size is None else input_size
    try:
        macs = count_macs(model, (1, 1, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ConfigError(
            f"{model.arch}, built for {model.input_size} pixels, cannot be counted at {size}: build it for that size."
        ) from error
    weights = [t for t in model.state_dict().values() if t.is_floating_point()]
    return Complexity(
        params=sum(p.numel() for p in model.parameters()),
        macs=macs,
        flops=2 * macs,
        size_mb=sum(4 * t.numel() for t in weights) / 1e6,
        size_f16_mb=sum(stored_dtype(t).itemsize * t.numel() for t in weights) / 1e6,
    )


def count_macs(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one forward pass on an input of `shape`, on the meta device: no arithmetic is done.

    Fused attention is switched off in the copy that is traced, because kernels that run a whole attention as one
    operator hide its matrix products from a count by operator.
    """
    return _counted(module, shape).flops // 2


def count_moved(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Numbers that the operators of `count_macs` read and write, weights among them, in one forward pass.

    What lies between them (activations, normalisation) is taken to be fused into them, so that this is the least that
    passes through memory.
    """
    return _counted(module, shape).moved


def _counted(module: nn.Module, shape: tuple[int, ...]) -> _Counter:
    twin = copy.deepcopy(module).to("meta").eval()
    part: Any
    for part in twin.modules():
        if hasattr(part, "fused_attn"):  # timm's switch between the fused operator and plain matrix products
            part.fused_attn = False
    # With gradients on, nn.MultiheadAttention keeps off its fused inference path, too. On the meta device some
    # operators are Python decompositions, which leave notes where an export in another thread leaves its own.
    with TRACING, torch.enable_grad(), _Counter() as counter:
        twin(torch.empty(shape, device="meta"))
    return counter


class _Counter(TorchDispatchMode):
    """Sums the operations of what PyTorch has a formula for (`FlopCounterMode`'s, 2 per multiply-add), and its numbers.

    `FlopCounterMode` itself sets hooks on all modules of the process, which other threads would run into; a dispatch
    mode belongs to its thread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.moved = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Tensor:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
            self.moved += sum(one.numel() for one in (*args, out) if isinstance(one, Tensor))
        return out
