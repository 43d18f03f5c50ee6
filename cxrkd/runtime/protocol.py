"""What an inference engine is: logits out of grey images, from any thread, in any batch size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cxrkd.registry import Entry, Registry

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.models.classifier import Classifier

REFERENCE = "pytorch"
"""The engine that the others are held against."""
CHUNK = 4
"""Images a CPU engine works on at a time. Activations of more leave the caches: 32 images of EEEA-Net-C2 at once cost
about a third more, in ONNX Runtime and in OpenVINO, than in fours."""


class Engine(Protocol):
    """A network made ready to answer.

    Attributes:
        name: a key of ENGINES.
        threads: CPU threads of one call.
    """

    name: str
    threads: int

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of images float32 (B, 1, H, W) in [0, 1]; safe to call from several threads.

        Raises:
            AnswerError: a logit of a label that the network was taught is no number.
        """


@dataclass(frozen=True, kw_only=True)
class EngineEntry(Entry):
    """An engine on offer.

    Attributes:
        make: (network, CPU threads of a call, None for PyTorch's number) -> Engine. Raises EngineError where a package
            is missing, the export fails or the processor lacks what it needs.
        needs: pip packages.
    """

    make: Callable[[Classifier, int | None], Engine]


ENGINES: Registry[EngineEntry] = Registry("engine", "cxrkd.runtime.engines", first=(REFERENCE,))


def as_batch(x: np.ndarray, input_size: int) -> np.ndarray:
    """The images as a contiguous float32 array.

    Raises:
        ValueError: not (B, 1, S, S) with B > 0 and the network's S, or not floating point.
    """
    import numpy as np

    if x.ndim != 4 or not len(x) or x.shape[1:] != (1, input_size, input_size) or x.dtype.kind != "f":
        raise ValueError(
            f"expected float images (B, 1, {input_size}, {input_size}) in [0, 1], got {x.dtype} {x.shape}; "
            "cxrkd.images.radiograph.to_input prepares them"
        )
    return np.ascontiguousarray(x, np.float32)


def in_chunks(run: Callable[[np.ndarray], np.ndarray], batch: np.ndarray) -> np.ndarray:
    """`run` over the batch, CHUNK images at a time, joined again."""
    import numpy as np

    if len(batch) <= CHUNK:
        return run(batch)
    return np.concatenate([run(batch[start : start + CHUNK]) for start in range(0, len(batch), CHUNK)])


def default_threads() -> int:
    """Threads a call gets unless told: as many as PyTorch would use."""
    import torch

    return torch.get_num_threads()
