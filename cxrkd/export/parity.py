"""How far the answers of a file are from those of the network in PyTorch, on films; beyond bounds it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from cxrkd.errors import EngineError
from cxrkd.evaluate.ranking import auroc
from cxrkd.evaluate.record import Record
from cxrkd.export.films import CheckFilms
from cxrkd.export.target import Answers, Bounds
from cxrkd.runtime.protocol import in_chunks

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier


FEWEST = 100
"""Films below which AUROC is printed and not held to a bound: one pair that changes places moves a label by more."""


@dataclass(frozen=True)
class LabelParity(Record):
    """One label: difference of its probability, and AUROC of both; NaN where the films do not tell."""

    label: str
    largest: float
    mean: float
    auroc_pytorch: float
    auroc: float


@dataclass(frozen=True)
class Parity(Record):
    """A file beside PyTorch.

    Attributes:
        films: which, in words, and `n` of them.
        labels: one entry a label.
        largest: difference of any probability, with `mean`, that of all.
        macro_auroc_pytorch: mean over the `n_labels` labels of which the films hold both kinds; with `macro_auroc`.
    """

    films: str
    n: int
    labels: tuple[LabelParity, ...]
    largest: float
    mean: float
    macro_auroc_pytorch: float
    macro_auroc: float

    @property
    def n_labels(self) -> int:
        """Labels that the mean AUROC is over."""
        return sum(not np.isnan(one.auroc) for one in self.labels)

    @property
    def auroc_difference(self) -> float:
        """Of the means, the file's minus PyTorch's; NaN where the films do not tell."""
        return self.macro_auroc - self.macro_auroc_pytorch

    def refuse_beyond(self, bounds: Bounds, title: str) -> None:
        """Refuse a file that does not answer as the network does.

        Raises:
            EngineError: says how far it is off, and what was expected.
        """
        off = self.n >= FEWEST and abs(self.auroc_difference) > bounds.auroc
        if self.largest <= bounds.prob and not off:
            return
        raise EngineError(
            f"{title} differs from PyTorch by up to {self.largest:.1e} in a probability and by "
            f"{self.auroc_difference:+.4f} in mean AUROC, on {self.films}; expected at most {bounds.prob:g} and "
            f"{bounds.auroc:g}, so nothing was written. Choose another target."
        )


def compare(answers: Answers, pytorch: Answers, films: CheckFilms, labels: Sequence[str]) -> Parity:
    """Ask both about all films.

    Args:
        answers: of the file.
        pytorch: of the network itself.
        films: N of them, with targets of K labels.
        labels: K names.

    Raises:
        EngineError: the file gives other shapes, or no number where the network gives one.
    """
    x = films.inputs()
    expected, got = in_chunks(pytorch, x), in_chunks(answers, x)
    if got.shape != expected.shape or (np.isfinite(got) != np.isfinite(expected)).any():
        raise EngineError("The written file answers in another shape, or with what is no number; nothing was kept.")
    apart = np.abs(_probs(got) - _probs(expected))
    rows = tuple(_label(k, label, apart, expected, got, films.targets) for k, label in enumerate(labels))
    return Parity(
        films=films.what,
        n=len(x),
        labels=rows,
        largest=float(np.nanmax(apart)),
        mean=float(np.nanmean(apart)),
        macro_auroc_pytorch=_mean([row.auroc_pytorch for row in rows]),
        macro_auroc=_mean([row.auroc for row in rows]),
    )


def _label(
    k: int, label: str, apart: np.ndarray, expected: np.ndarray, got: np.ndarray, targets: np.ndarray
) -> LabelParity:
    known = ~np.isnan(targets[:, k]) & ~np.isnan(expected[:, k])
    positive = targets[known, k] > 0.5
    taught = apart[~np.isnan(apart[:, k]), k]
    largest, mean = (float(of(taught)) if len(taught) else float("nan") for of in (np.max, np.mean))
    before, after = (auroc(logits[known, k], positive) for logits in (expected, got))
    return LabelParity(label, largest, mean, before, after)


def _probs(logits: np.ndarray) -> np.ndarray:
    probs: np.ndarray = expit(logits.astype(np.float64))
    return probs


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def in_pytorch(model: Classifier) -> Answers:
    """What the network itself answers, eager."""
    import torch

    def answer(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits: np.ndarray = model(torch.from_numpy(x)).numpy()
        return logits

    return answer
