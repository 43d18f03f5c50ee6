"""What an inference engine is: logits out of grey images, from any thread, in any batch size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

ENGINES: tuple[str, ...] = ("pytorch", "onnxruntime", "openvino", "openvino-bf16")
ENGINE_NAMES: dict[str, str] = {
    "pytorch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "openvino-bf16": "OpenVINO bfloat16",
}


CHUNK = 4
"""Images a CPU engine works on at a time. Activations of more leave the caches: 32 images of EEEA-Net-C2 at once cost
about a third more, in ONNX Runtime and in OpenVINO, than in fours."""


class Engine(Protocol):
    """A network made ready to answer.

    Attributes:
        name: one of ENGINES.
        threads: CPU threads of one call.
    """

    name: str
    threads: int

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of images float32 (B, 1, H, W) in [0, 1]; safe to call from several threads.

        Raises:
            AnswerError: a logit of a label that the network was taught is no number.
        """


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


def in_chunks(run: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> np.ndarray:
    """`run` over the batch, CHUNK images at a time, joined again."""
    if len(batch) <= CHUNK:
        return run(batch)
    return np.concatenate([run(batch[start : start + CHUNK]) for start in range(0, len(batch), CHUNK)])


def default_threads() -> int:
    """Threads a call gets unless told: as many as PyTorch would use."""
    import torch  # takes seconds; names of engines must not wait for it

    return torch.get_num_threads()
