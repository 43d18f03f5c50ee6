"""A teacher's answers about views, each asked for once however many trainings see the view.

Three students of three seeds see the same views in three orders (`Batches.look`). The teacher is by far the largest
network of the three, so asking it once instead of three times is worth more than any other saving.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, seal
from cxrkd.data.cohort import Cohort
from cxrkd.models.classifier import Classifier
from cxrkd.models.views import Views
from cxrkd.models.weights import fingerprint
from cxrkd.train.asking import InTheLoop
from cxrkd.train.batches import Batch

_LOGITS, _ASKED = "logits", "asked"


def answers_key(teacher: Classifier, cohort: Cohort, views: str) -> str:
    """What answers hang on: the teacher's weights, the films, and how these are changed."""
    text = f"{fingerprint(teacher)}|{teacher.input_size}|{cohort.fingerprint}|{views}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass
class OncePerView:
    """Asks a teacher about the views of a batch that nobody asked it about before.

    A file an epoch, written whole or not at all when the epoch ends; one that is not what its checksum says is asked
    for again.

    Attributes:
        make: the teacher, made when it is first needed: where all is known already, its norms need not be counted.
        folder: where the files are.
        key: of `answers_key`.
        shape: films of the cohort and labels of the teacher, (N, K).
    """

    make: Callable[[], InTheLoop]
    folder: Path
    key: str
    shape: tuple[int, int]
    _epoch: int = -1
    _logits: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    _asked: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    _new: bool = False

    @cached_property
    def _teacher(self) -> InTheLoop:
        return self.make()

    def __call__(self, batch: Batch) -> Views:
        """Its logits (B, K) on the batch's views, float32 and without a graph."""
        if batch.epoch != self._epoch:
            self._open(batch.epoch)
        missing = ~self._asked[batch.rows]
        if missing.any():
            rows = batch.rows[missing]
            self._logits[rows] = self._teacher(batch.of(missing)).logits.cpu().numpy()
            self._asked[rows] = self._new = True
        return Views(torch.from_numpy(self._logits[batch.rows]).to(batch.full.device), batch.full)

    def keep(self) -> None:
        """Write down what was asked in this epoch, for whoever sees these views next."""
        if not self._new:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(self._epoch)) as part:
            save_file({_LOGITS: self._logits, _ASKED: self._asked}, part)
            seal(part)
        self._new = False

    def _open(self, epoch: int) -> None:
        self._epoch, self._new = epoch, False
        self._logits, self._asked = self._read(epoch)

    def _read(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, K) and which films (N,) they are known of; nothing is where there is no good file."""
        path = self._path(epoch)
        try:
            kept = load_file(path) if path.exists() and check(path) else {}
        except (ChecksumError, SafetensorError, OSError):
            kept = {}
        logits, asked = kept.get(_LOGITS, np.empty(0)), kept.get(_ASKED, np.empty(0))
        if logits.shape == self.shape and logits.dtype == np.float32 and asked.shape == self.shape[:1]:
            return logits, asked.astype(bool)
        return np.full(self.shape, np.nan, np.float32), np.zeros(self.shape[0], bool)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{self.key}-epoch{epoch}.safetensors"
