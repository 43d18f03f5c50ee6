"""Weights that weigh less: large arrays in 8 bits, one scale for each output channel, the others in half precision.

    w_c  ~  s_c q_c,   q_c an integer of [-127, 127],   s_c = max |w_c| / 127

What is computed stays float32, activations are never rounded: only the file gets smaller. The product is spelled as
Cast and Mul, which a runtime works out once, when it loads the file. DequantizeLinear says the same in one word, but
ONNX Runtime keeps it for 8-bit arithmetic and computes it anew at each answer: 14.8 against 4.8 ms.

Eight bits for everything move a probability of the shipped EEEA-Net-C2 by up to .068 (the 24 sample films). The loss
sits in depthwise kernels and first blocks, which are a small part of the weights. The large arrays are at the end of
the network, where rounding is averaged over hundreds of channels: in 8 bits, and all others in half precision, they
move a probability by .005, nearly all of which is half precision's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

LEVELS = 127
LARGE = 1 << 17
"""Values from which on an array is kept in 8 bits."""
SMALL = 256
"""Arrays of fewer values stay as they are: they weigh nothing."""


def lighten(model: ModelProto, large: int = LARGE) -> tuple[int, int]:
    """Keep the weights of a network in fewer bits, in place.

    Args:
        model: float32, with its weights inside.
        large: values from which on the weights of a convolution or of a product of matrices are kept in 8 bits.

    Returns:
        how many arrays are in 8 bits and how many in half precision now.
    """
    axes = _output_axes(list(model.graph.node))
    arrays: list[TensorProto] = []
    nodes: list[NodeProto] = []
    n_8_bits = n_half = 0
    for tensor in model.graph.initializer:
        w = _floats(tensor)
        if w is None:
            arrays.append(tensor)
        elif w.size >= large and tensor.name in axes:
            n_8_bits += 1
            own = in_8_bits(tensor.name, *rounded(w, axes[tensor.name]))
            arrays, nodes = arrays + own[0], nodes + own[1]
        else:
            n_half += 1
            _in_half(tensor.name, w, arrays, nodes)
    graph = [*nodes, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(arrays)
    model.graph.node.extend(graph)
    return n_8_bits, n_half


def _floats(tensor: TensorProto) -> np.ndarray | None:
    """The values of an array that is worth the trouble; None of others."""
    from onnx import numpy_helper

    values = numpy_helper.to_array(tensor)
    return values if values.dtype == np.float32 and values.size >= SMALL else None


def _output_axes(nodes: list[NodeProto]) -> dict[str, int]:
    """Names of the arrays that layers multiply by, and along which of their axes the outputs lie."""
    axes: dict[str, int] = {}
    for node in nodes:
        if node.op_type == "Conv":
            axes[node.input[1]] = 0
        elif node.op_type == "Gemm":
            axes[node.input[1]] = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    return axes


def in_8_bits(name: str, q: np.ndarray, scale: np.ndarray) -> tuple[list[TensorProto], list[NodeProto]]:
    """The arrays that stand for a rounded one, and the nodes that make float32 of them under its name.

    Args:
        name: of the array.
        q: int8, as `rounded` gives it.
        scale: float32, that broadcasts over it.
    """
    from onnx import TensorProto, helper, numpy_helper

    arrays = [numpy_helper.from_array(q, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")]
    nodes = [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]),
    ]
    return arrays, nodes


def _in_half(name: str, w: np.ndarray, arrays: list[TensorProto], nodes: list[NodeProto]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    arrays.append(numpy_helper.from_array(w.astype(np.float16), f"{name}.half"))
    nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))


def rounded(w: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """An array in 8 bits: int8 of its shape, and scales float32 that broadcast over it, one an index of `axis`.

    A channel of zeros has scale 1.
    """
    others = tuple(i for i in range(w.ndim) if i != axis)
    largest = np.abs(w).max(axis=others, keepdims=True, initial=0.0)
    scale = np.where(largest > 0, largest / LEVELS, 1).astype(np.float32)
    return np.rint(w / scale).astype(np.int8), scale
