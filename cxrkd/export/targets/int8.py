"""ONNX whose weights are kept in 8 bits; activations stay float32, and so does all arithmetic.

The usual way to 8 bits, whose activations are rounded too, destroys networks of depthwise convolutions with hard-swish
and squeeze-excite. Rounding weights alone makes the file a quarter as large and costs nothing when it is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.export.target import TARGETS, Bounds, Target
from cxrkd.export.targets.onnx import FILE, SCRIPT, answers

if TYPE_CHECKING:
    from pathlib import Path

    from cxrkd.models.classifier import Classifier


def write(model: Classifier, folder: Path) -> None:
    """Write `network.onnx`, as the target onnx, with large kernels in 8 bits; see `cxrkd.export.weights8`.

    Raises:
        EngineError: a package is missing, or the network cannot be expressed in ONNX.
    """
    from cxrkd.answers.engines import probe
    from cxrkd.checksums import KEY, seal
    from cxrkd.export.weights8 import keep_in_8_bits
    from cxrkd.runtime.export import from_cache, require

    require("onnx", "onnxruntime")
    import onnx

    network = from_cache(model, lambda path: onnx.load(str(path)))
    keep_in_8_bits(network, probe(model.input_size))
    known = {one.key: one.value for one in network.metadata_props if one.key != KEY}
    onnx.helper.set_model_props(network, known | {"weights": "int8 with a scale for each output channel"})
    onnx.save(network, str(folder / FILE))
    seal(folder / FILE)


TARGETS.register(
    Target(
        name="int8",
        title="ONNX, weights in 8 bits",
        sentence="A quarter of the size: weights in 8 bits for each output channel, arithmetic in float32; as fast.",
        source="Nagel et al., arXiv 2106.08295 and ICCV 2019, arXiv 1906.04721",
        needs=("onnx", "onnxscript", "onnxruntime"),
        write=write,
        answers=answers,
        bounds=Bounds(prob=0.05, auroc=0.005),
        script=SCRIPT,
    )
)
