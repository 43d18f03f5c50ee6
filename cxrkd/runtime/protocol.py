"""What an inference engine is: logits out of grey images, from any thread, in any batch size."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

ENGINES: tuple[str, ...] = ("pytorch", "onnxruntime", "openvino", "openvino-bf16")
ENGINE_NAMES: dict[str, str] = {
    "pytorch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "openvino-bf16": "OpenVINO bfloat16",
}


class Engine(Protocol):
    """A network made ready to answer.

    Attributes:
        name: one of ENGINES.
        threads: CPU threads of one call.
    """

    name: str
    threads: int

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of images float32 (B, 1, H, W) in [0, 1]; safe to call from several threads."""


def as_batch(x: np.ndarray, input_size: int) -> np.ndarray:
    """The images as a contiguous float32 array.

    Raises:
        ValueError: not (B, 1, S, S) with B > 0 and the network's S, or not floating point.
    """
    if x.ndim != 4 or not len(x) or x.shape[1:] != (1, input_size, input_size) or x.dtype.kind != "f":
        raise ValueError(
            f"expected float images (B, 1, {input_size}, {input_size}) in [0, 1], got {x.dtype} {x.shape}; "
            "cxrkd.images.to_input prepares them"
        )
    return np.ascontiguousarray(x, np.float32)


def default_threads() -> int:
    """Threads a call gets unless told: as many as PyTorch would use."""
    return torch.get_num_threads()
