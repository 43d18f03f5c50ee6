"""ONNX in float32, for ONNX Runtime and whatever else reads the format."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.export.target import TARGETS, Answers, Script, Target

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from cxrkd.models.classifier import Classifier

FILE = "network.onnx"
SCRIPT = Script(
    loads="import onnxruntime",
    asks=f'onnxruntime.InferenceSession(HERE / "{FILE}").run(None, {{"image": x}})[0][0]',
    packages=("onnxruntime",),
)


def write(model: Classifier, folder: Path) -> None:
    """Write `network.onnx`: input "image" float32 (batch, 1, S, S) in [0, 1], output "logits" float32 (batch, K).

    Raises:
        EngineError: a package is missing, or the network cannot be expressed in ONNX.
    """
    from cxrkd.runtime.export import from_cache

    from_cache(model, lambda path: shutil.copyfile(path, folder / FILE))


def answers(folder: Path) -> Answers:
    """What ONNX Runtime answers, on one thread.

    Raises:
        EngineError: onnxruntime is not installed.
    """
    from cxrkd.runtime.export import require

    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / FILE), options, providers=["CPUExecutionProvider"])
    return partial(_run, session)


def _run(session: Any, x: np.ndarray) -> np.ndarray:
    logits: np.ndarray = session.run(None, {"image": x})[0]
    return logits


TARGETS.register(
    Target(
        name="onnx",
        title="ONNX",
        sentence="One file in float32, for ONNX Runtime on computers, phones and servers.",
        source="onnx.ai",
        needs=("onnx", "onnxscript", "onnxruntime"),
        write=write,
        answers=answers,
        script=SCRIPT,
    )
)
