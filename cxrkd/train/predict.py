"""Logits of a network on images, batch by batch."""

from __future__ import annotations

import numpy as np
import torch

from cxrkd.images.resizing import resized
from cxrkd.models.answers import numbers
from cxrkd.models.classifier import Classifier
from cxrkd.progress import Progress
from cxrkd.train.batches import to_unit

"""Called with `(done, total)`."""


def predict_logits(
    model: Classifier, images: np.ndarray, batch_size: int = 64, progress: Progress | None = None
) -> np.ndarray:
    """Logits float32 (N, K) in evaluation mode; the model's mode is restored.

    Args:
        model: any classifier; runs on the device its parameters are on.
        images: (N, S, S), uint8 or float in [0, 1]; resized to the model's input size where it differs.
        batch_size: images at a time.
        progress: called after every batch.

    Raises:
        AnswerError: a logit of a label that the model was taught is no number.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval().to(memory_format=torch.channels_last)
    logits = np.empty((len(images), len(model.labels)), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = resized(np.array(images[start : start + batch_size]), model.input_size)
            logits[start : start + len(batch)] = model(to_unit(batch).to(device)).float().cpu().numpy()
            if progress:
                progress(start + len(batch), len(images))
    model.train(was_training)
    return numbers(model, logits)
