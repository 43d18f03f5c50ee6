"""Weights that weigh less: large arrays in 8 bits, one scale for each output channel, the others in half precision.

    w_c  ~  s_c q_c,   q_c an integer of [-127, 127],   s_c = max |w_c| / 127

What is computed stays float32, activations are never rounded: only the file gets smaller. A runtime multiplies the
weights out when it loads them (ONNX Runtime with `session.disable_quant_qdq`, see `QDQ_OFF`).

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
QDQ_OFF = "session.disable_quant_qdq"
"""Session option of ONNX Runtime: weights are multiplied out once, when the file is loaded, not at each answer."""


def lighten(model: ModelProto, large: int = LARGE) -> tuple[int, int]:
    """Keep the weights of a network in fewer bits, in place.

    Args:
        model: float32, with its weights inside.
        large: values from which on the weights of a convolution or of a product of matrices are kept in 8 bits.

    Returns:
        how many arrays are in 8 bits and how many in half precision now.
    """
    axes = _output_axes(list(model.graph.node))
    nodes: list[NodeProto] = []
    for tensor in list(model.graph.initializer):
        w = _floats(tensor)
        if w is None:
            continue
        model.graph.initializer.remove(tensor)
        eight_bits = w.size >= large and tensor.name in axes
        arrays, node = _in_8_bits(tensor.name, w, axes[tensor.name]) if eight_bits else _in_half(tensor.name, w)
        model.graph.initializer.extend(arrays)
        nodes.append(node)
    graph = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(graph)
    n_8_bits = sum(node.op_type == "DequantizeLinear" for node in nodes)
    return n_8_bits, len(nodes) - n_8_bits


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


def _in_8_bits(name: str, w: np.ndarray, axis: int) -> tuple[list[TensorProto], NodeProto]:
    from onnx import helper, numpy_helper

    q, scale = rounded(w, axis)
    arrays = [numpy_helper.from_array(q, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")]
    return arrays, helper.make_node("DequantizeLinear", [array.name for array in arrays], [name], axis=axis)


def _in_half(name: str, w: np.ndarray) -> tuple[list[TensorProto], NodeProto]:
    from onnx import TensorProto, helper, numpy_helper

    half = numpy_helper.from_array(w.astype(np.float16), f"{name}.half")
    return [half], helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)


def rounded(w: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """An array in 8 bits: int8 of its shape, and float32 scales along the axis of its outputs."""
    others = tuple(i for i in range(w.ndim) if i != axis)
    scale = np.abs(w).max(others, initial=0.0) / np.float32(LEVELS)
    scale[scale == 0] = 1.0
    shape = [-1 if i == axis else 1 for i in range(w.ndim)]
    return np.rint(w / scale.reshape(shape)).astype(np.int8), scale.astype(np.float32)
