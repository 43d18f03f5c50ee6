"""OpenVINO's own format in float32, for processors of Intel and AMD."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.export.target import TARGETS, Answers, Script, Target

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from cxrkd.models.classifier import Classifier

FILE = "network.xml"
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
"""By itself OpenVINO computes in bfloat16 where the processor has it, which moves probabilities by up to 7e-3."""


def write(model: Classifier, folder: Path) -> None:
    """Write `network.xml` and `network.bin`: input "image" float32 (batch, 1, S, S) in [0, 1], logits (batch, K).

    Raises:
        EngineError: a package is missing, or the network cannot be expressed.
    """
    from cxrkd.runtime.export import from_cache, require

    require("openvino")
    import openvino

    network = from_cache(model, openvino.Core().read_model)
    for number, operator in enumerate(network.get_ordered_ops()):
        operator.set_friendly_name(f"{operator.get_type_name()}_{number}")  # else by how much was read before
    openvino.save_model(network, str(folder / FILE), compress_to_fp16=False)


def answers(folder: Path) -> Answers:
    """What OpenVINO answers on one thread, in float32.

    Raises:
        EngineError: openvino is not installed.
    """
    from cxrkd.runtime.export import require

    require("openvino")
    import openvino

    core = openvino.Core()
    return partial(_run, core.compile_model(str(folder / FILE), "CPU", FLOAT32 | {"INFERENCE_NUM_THREADS": 1}))


def _run(network: Any, x: np.ndarray) -> np.ndarray:
    logits: np.ndarray = network(x)[0].copy()  # the request's own memory is used again
    return logits


TARGETS.register(
    Target(
        name="openvino",
        title="OpenVINO",
        sentence="Two files in float32 that OpenVINO compiles for the processor at hand.",
        source="docs.openvino.ai",
        needs=("onnx", "onnxscript", "onnxruntime", "openvino"),
        write=write,
        answers=answers,
        script=Script(
            loads="import openvino",
            asks=f'openvino.Core().compile_model(HERE / "{FILE}", "CPU", {FLOAT32!r})(x)[0][0]',
            packages=("openvino",),
        ),
    )
)
