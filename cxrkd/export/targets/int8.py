"""ONNX whose weights are kept in 8 bits; activations stay float32, and so does all arithmetic.

The usual way to 8 bits, whose activations are rounded too, destroys networks of depthwise convolutions with hard-swish
and squeeze-excite. Rounding weights alone makes the file a quarter as large and costs nothing when it is asked.

Each large kernel W becomes an int8 kernel Q with a scale s for each output channel o,

    s_o = max |W_o| / 127,    Q_o = round(W_o / s_o),    W_o ~ s_o * float(Q_o),

symmetric and per channel (Nagel et al. 2021, arXiv 2106.08295, section 2.3). The product is spelled as Cast and Mul,
which runtimes compute once, when the file is loaded. DequantizeLinear, the operator for it, says the same in one word,
but ONNX Runtime keeps it, to fuse it into 8-bit arithmetic, and computes it anew for every film unless a session option
says otherwise: 14.8 against 4.8 ms.

Kernels of fewer numbers than `SMALLEST` stay float32. They are the first ones, which meet the film itself: in
EEEA-Net-C2 of the run `nih` they are 1 % of the weights and make four fifths of the largest difference (.15 and .03).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cxrkd.export.target import TARGETS, Bounds, Target
from cxrkd.export.targets.onnx import FILE, SCRIPT, answers

if TYPE_CHECKING:
    from pathlib import Path

    from cxrkd.models.classifier import Classifier

SMALLEST = 4096
"""Numbers in a kernel that is worth rounding."""
CHANNEL = {"Conv": 0, "Gemm": 0, "MatMul": 1}
"""Operator -> the axis of its second input along which output channels lie; Gemm's where it is transposed."""
_TOP = 127


def rounded(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """A kernel in 8 bits: int8 of its shape, and scales float32 that broadcast over it, one an index of `axis`.

    A channel of zeros has scale 1.
    """
    others = tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / _TOP, 1).astype(np.float32)
    return np.rint(weight / scale).astype(np.int8), scale


def write(model: Classifier, folder: Path) -> None:
    """Write `network.onnx`, as the target onnx, with large kernels in 8 bits.

    Raises:
        EngineError: a package is missing, or the network cannot be expressed in ONNX.
    """
    from cxrkd.checksums import KEY, seal
    from cxrkd.runtime.export import from_cache, require

    require("onnx")
    import onnx

    network = from_cache(model, lambda path: onnx.load(str(path)))
    keep_in_8_bits(network)
    known = {one.key: one.value for one in network.metadata_props if one.key != KEY}
    onnx.helper.set_model_props(network, known | {"weights": "int8 with a scale for each output channel"})
    onnx.save(network, str(folder / FILE))
    seal(folder / FILE)


def keep_in_8_bits(network: Any) -> None:
    """Replace the large kernels of an ONNX model by their 8 bits, and by the two operators that make them float32."""
    import onnx
    from onnx import helper, numpy_helper

    graph = network.graph
    kernels = _kernels(graph)
    kept = [one for one in graph.initializer if one.name not in kernels]
    nodes = []
    for tensor in [one for one in graph.initializer if one.name in kernels]:
        name = tensor.name
        bits, scale = rounded(numpy_helper.to_array(tensor), kernels[name])
        kept += [numpy_helper.from_array(bits, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")]
        nodes += [
            helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]),
        ]
    nodes += list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(network)


def _kernels(graph: Any) -> dict[str, int]:
    """Name -> axis of output channels, of the kernels to round; none that is used in two ways."""
    from onnx import TensorProto

    large = {t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT and np.prod(t.dims) >= SMALLEST}
    axes: dict[str, set[int]] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in large:
                axes.setdefault(name, set()).add(_axis(node) if place == 1 else -1)
    return {name: places.pop() for name, places in axes.items() if len(places) == 1 and -1 not in places}


def _axis(node: Any) -> int:
    """The axis of a node's output channels in its second input; -1 where it is no kernel that we know."""
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    return 1 if node.op_type == "Gemm" and not transposed else CHANNEL.get(node.op_type, -1)


TARGETS.register(
    Target(
        name="int8",
        title="ONNX, weights in 8 bits",
        sentence="A quarter of the size: weights in 8 bits for each output channel, arithmetic in float32; as fast.",
        source="Nagel et al. 2021, arXiv 2106.08295",
        needs=("onnx", "onnxscript", "onnxruntime"),
        write=write,
        answers=answers,
        bounds=Bounds(prob=0.05, auroc=0.005),
        script=SCRIPT,
    )
)
