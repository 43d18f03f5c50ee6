"""OpenVINO on the CPU."""

from __future__ import annotations

import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from cxrkd.errors import EngineError
from cxrkd.runtime.protocol import CHUNK, ENGINES, EngineEntry, as_batch, default_threads, in_chunks

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.models.classifier import Classifier

FLOAT32, BFLOAT16 = "openvino", "openvino-bf16"


class OpenVinoEngine:
    """The network's cached ONNX file, compiled for a single image and, when one comes, for a chunk of them.

    OpenVINO chooses bfloat16 by itself where the CPU has it. That is faster but moves probabilities by up to
    7e-3, so float32 is asked for unless `bf16` says otherwise.

    Args:
        model: exported on first use.
        threads: CPU threads of a call.
        bf16: compute in bfloat16.

    Raises:
        EngineError: openvino is not installed, the CPU lacks bfloat16, or the export failed.
    """

    def __init__(self, model: Classifier, threads: int | None = None, bf16: bool = False) -> None:
        from cxrkd.models.answers import AnswerRule
        from cxrkd.runtime.export import from_cache, require

        require("openvino")
        import openvino

        self.name = BFLOAT16 if bf16 else FLOAT32
        self.threads = threads or default_threads()
        self._input_size = model.input_size
        self._rule = AnswerRule(model, ENGINES[self.name].title)
        self._core = openvino.Core()
        if bf16 and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise EngineError("This CPU has no bfloat16 instructions: use the engine openvino.")
        self._precision = "bf16" if bf16 else "f32"
        self._network = from_cache(model, self._core.read_model)
        self._compiling = threading.Lock()
        self._single = _Requests(self._compile(batch=1))
        self._chunk: _Requests | None = None

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of x float32 (B, 1, H, W) in [0, 1].

        Raises:
            AnswerError: a logit is no number.
        """
        return self._rule(in_chunks(self._logits, as_batch(x, self._input_size)))

    def _logits(self, batch: np.ndarray) -> np.ndarray:
        import numpy as np

        if len(batch) == CHUNK:
            return self._for_chunks().infer(batch)
        return np.concatenate([self._single.infer(batch[i : i + 1]) for i in range(len(batch))])

    def _for_chunks(self) -> _Requests:
        with self._compiling:
            if self._chunk is None:
                self._chunk = _Requests(self._compile(batch=CHUNK))
            return self._chunk

    def _compile(self, batch: int) -> Any:
        """Fixed shapes compile to faster code than an open batch."""
        network = self._network.clone()
        network.reshape([batch, 1, self._input_size, self._input_size])
        return self._core.compile_model(
            network,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": self.threads,
                "INFERENCE_PRECISION_HINT": self._precision,
            },
        )


class _Requests:
    """Idle inference requests of a compiled network; each serves one call at a time, so calls may overlap."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: SimpleQueue[Any] = SimpleQueue()

    def infer(self, batch: np.ndarray) -> np.ndarray:
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        request.infer({0: batch}, share_inputs=True)
        logits = request.get_output_tensor(0).data.copy()  # the request's own memory is used again
        self._idle.put(request)
        return logits


ENGINES.register(
    EngineEntry(
        name=FLOAT32,
        title="OpenVINO",
        sentence="The exported network compiled by OpenVINO for this processor, in float32.",
        source="docs.openvino.ai",
        needs=("onnx", "onnxscript", "openvino"),
        make=OpenVinoEngine,
    )
)
ENGINES.register(
    EngineEntry(
        name=BFLOAT16,
        title="OpenVINO bfloat16",
        sentence="The same in bfloat16, faster: chosen only where its answers to a run's films were measured.",
        source="docs.openvino.ai",
        needs=("onnx", "onnxscript", "openvino"),
        make=partial(OpenVinoEngine, bf16=True),
    )
)
