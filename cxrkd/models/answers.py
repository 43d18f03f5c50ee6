"""What a network's weights allow it to answer: numbers for every label that it was taught, and NaN for others alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

import numpy as np
import torch
from torch import nn

from cxrkd.errors import AnswerError
from cxrkd.logits import require_numbers
from cxrkd.models.classifier import Classifier


def untaught(model: Classifier) -> np.ndarray:
    """Bool (K,): labels that a head of the network was never taught, by a bias of NaN over a row of zeros."""
    rows = np.zeros(len(model.labels), dtype=bool)
    for _, head in heads(model):
        rows |= _rows(head).cpu().numpy()
    return rows


class AnswerRule:
    """What logits of one network may hold; kept by whoever runs it without keeping the network.

    Args:
        model: not kept.
        where: the engine it runs on, for the sentence.
    """

    def __init__(self, model: Classifier, where: str = "") -> None:
        self._who = f"{model.arch} on {where}" if where else model.arch
        self._labels, self._untaught = model.labels, untaught(model)

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """The logits (..., K), if they are numbers.

        Raises:
            AnswerError: a logit of a label that the network was taught is no number, or one is infinite.
        """
        return require_numbers(logits, self._labels, self._who, self._untaught)


def numbers(model: Classifier, logits: np.ndarray) -> np.ndarray:
    """A network's logits (..., K), if they are numbers.

    Raises:
        AnswerError: as `AnswerRule`.
    """
    return logits if np.isfinite(logits).all() else AnswerRule(model)(logits)


def require_finite(model: Classifier, where: str) -> None:
    """Refuse a network with weights that are no numbers, but for the biases of labels that it was never taught.

    Args:
        model: not changed.
        where: the file or the training that they are of, to begin the sentence with.

    Raises:
        AnswerError: names the first such tensor.
    """
    spared = {f"{name}.bias": _rows(head) for name, head in heads(model)}
    floats = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    # A sum is a number unless a term is none, or the terms are huge: only such tensors are looked at one by one.
    sums = torch.stack([tensor.sum(dtype=torch.float32) for tensor in floats.values()]) if floats else torch.empty(0)
    for name, tensor in compress(floats.items(), (~torch.isfinite(sums)).tolist()):
        wrong = ~torch.isfinite(tensor)
        if name in spared:
            wrong &= ~(spared[name] & torch.isnan(tensor))
        if wrong.any():
            raise AnswerError(
                f"{where}: {int(wrong.sum()):,} of the weights {name} are no numbers; the file is damaged or the "
                "training diverged. Restore the file, or train again with a lower learning rate."
            )


def heads(model: Classifier) -> Iterator[tuple[str, nn.Linear]]:
    """Linear layers that could be a head; a network of several has one each."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module.out_features == len(model.labels) and module.bias is not None:
            yield name, module


def _rows(head: nn.Linear) -> torch.Tensor:
    return torch.isnan(head.bias.detach()) & (head.weight.detach() == 0).all(1)
