"""Eager PyTorch: the engine that the others are held against."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from cxrkd.runtime.protocol import ENGINES, REFERENCE, EngineEntry, as_batch, default_threads, in_chunks

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.models.classifier import Classifier


class TorchEngine:
    """A copy of the network in eval mode and channels-last layout, which is the faster one on CPUs.

    Args:
        model: copied, so that training it on or moving it later does not change the answers.
        threads: CPU threads of a call.
    """

    name = REFERENCE

    def __init__(self, model: Classifier, threads: int | None = None) -> None:
        import torch

        from cxrkd.models.answers import AnswerRule

        self.threads = threads or default_threads()
        self._model = copy.deepcopy(model).eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self._rule = AnswerRule(model, ENGINES[self.name].title)
        self._device = next(self._model.parameters()).device

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits float32 (B, K) of x float32 (B, 1, H, W) in [0, 1].

        Raises:
            AnswerError: a logit is no number.
        """
        return self._rule(self._answer(x))

    def _answer(self, x: np.ndarray) -> np.ndarray:
        batch = as_batch(x, self._model.input_size)
        if self._device.type != "cpu":
            return self._logits(batch)
        import torch

        before = torch.get_num_threads()
        if before == self.threads:
            return in_chunks(self._logits, batch)
        torch.set_num_threads(self.threads)
        try:
            return in_chunks(self._logits, batch)
        finally:
            torch.set_num_threads(before)

    def _logits(self, batch: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self._model(torch.from_numpy(batch).to(self._device)).float().cpu().numpy()


ENGINES.register(
    EngineEntry(
        name=REFERENCE,
        title="PyTorch",
        sentence="The network as it was trained, eager; what the other engines are held against.",
        source="pytorch.org",
        needs=("torch",),
        make=TorchEngine,
    )
)
