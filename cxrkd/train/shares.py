"""Logits of a network on images, by several devices of one machine."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from cxrkd.models.classifier import Classifier
from cxrkd.progress import Progress
from cxrkd.train.predict import predict_logits


def predict_shared(
    model: Classifier, images: np.ndarray, devices: Sequence[torch.device], progress: Progress | None = None
) -> np.ndarray:
    """Logits float32 (N, K) as of `predict_logits`, of a copy of the network on each device, a thread and a share each.

    A thread waits for its device without holding Python, so that one process keeps them all at work.

    Args:
        model: any classifier; one device alone leaves it where it is.
        images: (N, S, S), as for `predict_logits`.
        devices: one at least.
        progress: called after every batch of any device.

    Raises:
        AnswerError: a logit of a label that the model was taught is no number.
    """
    if len(devices) == 1:
        return predict_logits(model, images, progress=progress)
    bounds = np.linspace(0, len(images), len(devices) + 1).astype(int)
    done, counting = [0] * len(devices), threading.Lock()

    def ask(index: int) -> np.ndarray:
        def tell(so_far: int, _: int) -> None:
            with counting:
                done[index] = so_far
                if progress is not None:
                    progress(sum(done), len(images))

        twin = copy.deepcopy(model).to(devices[index])
        return predict_logits(twin, images[bounds[index] : bounds[index + 1]], progress=tell)

    with ThreadPoolExecutor(len(devices)) as threads:
        return np.concatenate(list(threads.map(ask, range(len(devices)))))
