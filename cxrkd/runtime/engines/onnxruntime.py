"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.runtime.protocol import ENGINES, EngineEntry, as_batch, default_threads, in_chunks

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.models.classifier import Classifier


class OnnxEngine:
    """A session over the network's cached ONNX file; `run` is safe to call from several threads.

    Args:
        model: exported on first use.
        threads: CPU threads of a call.

    Raises:
        EngineError: onnxruntime is not installed, or the export failed.
    """

    name = "onnxruntime"

    def __init__(self, model: Classifier, threads: int | None = None) -> None:
        from cxrkd.models.answers import AnswerRule
        from cxrkd.runtime.export import from_cache, require

        require("onnxruntime")
        import onnxruntime

        self.threads = threads or default_threads()
        self._input_size = model.input_size
        self._rule = AnswerRule(model, ENGINES[self.name].title)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # Workers spin between the hundred small operators of a call, which halves its time, and sleep after it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        providers = ["CPUExecutionProvider"]
        self._session = from_cache(model, lambda p: onnxruntime.InferenceSession(str(p), options, providers))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of x float32 (B, 1, H, W) in [0, 1].

        Raises:
            AnswerError: a logit is no number.
        """
        return self._rule(in_chunks(self._logits, as_batch(x, self._input_size)))

    def _logits(self, batch: np.ndarray) -> np.ndarray:
        return self._session.run(None, {"image": batch})[0]


ENGINES.register(
    EngineEntry(
        name=OnnxEngine.name,
        title="ONNX Runtime",
        sentence="The exported network on ONNX Runtime's CPU provider, in float32.",
        source="onnxruntime.ai",
        needs=("onnx", "onnxscript", "onnxruntime"),
        make=OnnxEngine,
    )
)
