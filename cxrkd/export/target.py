"""What a form to take away is: a network's files, what answers from them, and how far its answers may be off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.registry import Entry, Registry

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.config import Member
    from cxrkd.models.classifier import Classifier
    from cxrkd.runs import Run

Answers = Callable[["np.ndarray"], "np.ndarray"]
"""Films float32 (B, 1, S, S) in [0, 1] -> logits (B, K)."""


@dataclass(frozen=True)
class Bounds:
    """How far the answers of a file may be from those of the network in PyTorch; beyond, it is not given away.

    Attributes:
        prob: largest difference of any probability.
        auroc: difference of the mean AUROC.
    """

    prob: float = 1e-3
    auroc: float = 1e-3


@dataclass(frozen=True)
class Script:
    """What a target adds to `answer.py` (`cxrkd.export.script`), which reads a film as `x` float32 (1, 1, S, S).

    Attributes:
        loads: an import, such as `import onnxruntime`.
        asks: an expression of x and HERE, the folder of the files, whose value is the logits (K,).
        packages: from PyPI, beside numpy.
    """

    loads: str
    asks: str
    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Target(Entry):
    """A form to take away.

    Attributes:
        needs: pip packages without which it cannot be written.
        write: (network, empty folder) -> None, writes the network's files; the network is not changed, and
            normalisation is inside the files. No file holds a path of this machine, and the same network gives the same
            bytes. Raises EngineError where the form cannot express the network.
        tell: (run, member, that folder) -> None, writes what the run knows of the network, for a form that shows its
            answers itself; None where the files beside it are enough.
        answers: (that folder) -> what answers by what was written.
        bounds: how far those answers may be off.
        batch: films that a call takes; None for any number.
        script: how `answer.py` asks; None for a form that no Python reads.
    """

    write: Callable[[Classifier, Path], None]
    answers: Callable[[Path], Answers]
    tell: Callable[[Run, Member, Path], None] | None = None
    bounds: Bounds = Bounds()
    batch: int | None = None
    script: Script | None = None


TARGETS: Registry[Target] = Registry("target of an export", "cxrkd.export.targets", first=("onnx",))
