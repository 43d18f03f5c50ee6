"""The weights of an ONNX network in 8 bits, its arithmetic in float32 as before.

Each large kernel W becomes an int8 kernel Q with a scale s for each output channel o,

    s_o = max |W_o| / 127,    Q_o = round(W_o / s_o),    V_o = s_o * float(Q_o),

symmetric and per channel (Nagel et al. 2021, arXiv 2106.08295, section 2.3). What rounding adds to an output is
(V - W) * x, and since activations are seldom negative, much of it is one shift for all films. The bias takes it out:

    b'_o = b_o - sum over i of (sum of (V - W)_oi over the kernel's places) * E[x_i]

(Nagel et al., Data-Free Quantization, ICCV 2019, arXiv 1906.04721, section 4.2), with E[x_i] the mean of an input
channel over a few drawn films. Borders, where zeros stand in for the image, are taken as the rest.

Kernels of fewer numbers than `SMALLEST` stay float32. They are the first ones, which meet the film itself: in
EEEA-Net-C2 of the run `nih` they are 1 % of the weights, and made four fifths of the largest difference.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrkd.runtime.quantise import in_8_bits, rounded

SMALLEST = 4096
"""Numbers in a kernel that is worth rounding."""
CHANNEL = {"Conv": 0, "Gemm": 0, "MatMul": 1}
"""Operator -> the axis of its second input along which output channels lie; Gemm's where it is transposed."""
BIASED = ("Conv", "Gemm")
"""Those that take a bias as their third input."""
_FILMS = 4


@dataclass(frozen=True)
class Kernel:
    """A kernel to round.

    Attributes:
        weight: float32, of any shape.
        axis: along which output channels lie.
        nodes: that use it, each as its kernel.
    """

    weight: np.ndarray
    axis: int
    nodes: tuple[Any, ...]

    def can_shift(self, constants: Container[str]) -> bool:
        """Whether there is one bias, a constant or yet to be, that can take up what rounding adds."""
        alone = len(self.nodes) == 1 and self.nodes[0].op_type in BIASED
        return alone and all(name in constants for name in self.nodes[0].input[2:] if name)


def keep_in_8_bits(network: Any, films: np.ndarray) -> None:
    """Replace the large kernels of an ONNX model, and shift the biases behind them.

    Args:
        network: changed; its input is called "image".
        films: float32 (B, 1, S, S) in [0, 1], for the means of channels.
    """
    import onnx
    from onnx import numpy_helper

    graph = network.graph
    kernels = kernels_of(graph)
    means = input_means(network, kernels, films)
    known = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[Any] = []
    for name, kernel in kernels.items():
        bits, scale = rounded(kernel.weight, kernel.axis)
        if name in means:
            bias = _bias(known, kernel) - shift(kernel, bits * scale - kernel.weight, means[name])
            kernel.nodes[0].input[2:] = [f"{name}.bias"]
            known[f"{name}.bias"] = numpy_helper.from_array(bias.astype(np.float32), f"{name}.bias")
        arrays, making = in_8_bits(name, bits, scale)
        known |= {tensor.name: tensor for tensor in arrays}
        nodes += making
    nodes += list(graph.node)
    used = {name for node in nodes for name in node.input} - kernels.keys()
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(tensor for name, tensor in known.items() if name in used)
    graph.node.extend(nodes)
    onnx.checker.check_model(network)


def kernels_of(graph: Any) -> dict[str, Kernel]:
    """By name, the kernels of an ONNX graph that are rounded; none that is also used as something else."""
    from onnx import TensorProto, numpy_helper

    large = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT and np.prod(t.dims) >= SMALLEST}
    uses: dict[str, list[tuple[int, Any]]] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in large:
                uses.setdefault(name, []).append((_axis(node) if place == 1 else -1, node))
    kernels = {}
    for name, known in uses.items():
        axes = {axis for axis, _ in known}
        if len(axes) == 1 and -1 not in axes:
            nodes = tuple(node for _, node in known)
            kernels[name] = Kernel(numpy_helper.to_array(large[name]), axes.pop(), nodes)
    return kernels


def _axis(node: Any) -> int:
    """The axis of a node's output channels in its second input; -1 where it is no kernel that we know."""
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    return 1 if node.op_type == "Gemm" and not transposed else CHANNEL.get(node.op_type, -1)


def input_means(network: Any, kernels: Mapping[str, Kernel], films: np.ndarray) -> dict[str, np.ndarray]:
    """Mean over films and places of each channel that a kernel meets, (I,), of those whose bias can be shifted."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    watched = onnx.ModelProto()
    watched.CopyFrom(network)
    constants = {tensor.name for tensor in network.graph.initializer}
    outputs = {name: f"{name}.mean" for name, kernel in kernels.items() if kernel.can_shift(constants)}
    for name, mean in outputs.items():
        node = kernels[name].nodes[0]
        axes = [0, *range(2, kernels[name].weight.ndim)]
        watched.graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), f"{mean}.axes"))
        watched.graph.node.append(helper.make_node("ReduceMean", [node.input[0], f"{mean}.axes"], [mean], keepdims=0))
        watched.graph.output.append(helper.make_tensor_value_info(mean, onnx.TensorProto.FLOAT, None))
    if not outputs:
        return {}
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    parts = [films[i : i + _FILMS] for i in range(0, len(films), _FILMS)]
    asked = [session.run(list(outputs.values()), {"image": part}) for part in parts]
    sizes = [len(part) for part in parts]
    return {name: np.average([one[k] for one in asked], 0, sizes) for k, name in enumerate(outputs)}


def shift(kernel: Kernel, error: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What an error of a kernel adds to each output channel on inputs of these means, (O,).

    Args:
        kernel: of one node.
        error: of the kernel's shape.
        mean: (I,), of each input channel; of a convolution in groups, of all groups.
    """
    if kernel.nodes[0].op_type == "Gemm":
        return error @ mean if kernel.axis == 0 else mean @ error
    over_places = error.reshape(*error.shape[:2], -1).sum(2)
    groups = len(mean) // error.shape[1]
    of_own_group = np.repeat(mean.reshape(groups, -1), len(error) // groups, axis=0)
    return np.asarray((over_places * of_own_group).sum(1))


def _bias(known: Mapping[str, Any], kernel: Kernel) -> np.ndarray:
    from onnx import numpy_helper

    names = list(kernel.nodes[0].input[2:])
    n = kernel.weight.shape[kernel.axis]
    return numpy_helper.to_array(known[names[0]]) if names and names[0] else np.zeros(n, np.float32)
