"""What a loss knows of its run beside the batches: few numbers, found once, the same in every process and on resume."""

from __future__ import annotations

from typing import Self

import numpy as np
from torch import Tensor, tensor

from cxrkd.config.strict import Strict
from cxrkd.errors import ConfigError

MOST = 10.0
"""What a present finding may count beside an absent one. Hernia, in 2 of 1,000 films, would count 540 times."""


class Facts(Strict):
    """Of a run, label by label; empty where nobody looked.

    Attributes:
        prevalence: share of the training split's known cells that are positive; None where no cell is known.
        temperatures: at which the teacher's answers are calibrated, fitted on the validation split.
    """

    prevalence: tuple[float | None, ...] = ()
    temperatures: tuple[float, ...] = ()

    @classmethod
    def of(cls, targets: np.ndarray) -> Self:
        """What the targets of a training split say, float (N, K), NaN where unknown.

        >>> Facts.of(np.array([[1.0, np.nan], [0.0, np.nan]])).prevalence
        (0.5, None)
        """
        known = np.isfinite(targets)
        counts, sums = known.sum(0), np.where(known, targets, 0).sum(0, dtype=np.float64)
        return cls(prevalence=tuple(float(s / n) if n else None for s, n in zip(sums, counts, strict=True)))

    def positive_weights(self) -> Tensor:
        """What a present finding counts beside an absent one, float32 (K,): absent over present, within MOST times.

        A label of which nothing is known counts as it is.

        Raises:
            ConfigError: nobody looked.

        >>> Facts(prevalence=(0.25, 0.001, None)).positive_weights()
        tensor([ 3., 10.,  1.])
        """
        if not self.prevalence:
            raise ConfigError("Weighted labels hang on how common each is: expected its prevalence, got none.")
        return tensor([1.0 if share is None else _odds_against(share) for share in self.prevalence])


def _odds_against(share: float) -> float:
    return min(max((1 - share) / share, 1 / MOST), MOST) if share else MOST


UNKNOWN = Facts()
"""Where nobody looked."""
