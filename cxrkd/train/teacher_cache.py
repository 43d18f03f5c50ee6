"""What a teacher says about a cohort, computed once. An epoch of distillation then costs an epoch of plain training."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, seal
from cxrkd.data.cohort import Cohort
from cxrkd.models.classifier import Classifier
from cxrkd.models.weights import fingerprint
from cxrkd.progress import Progress
from cxrkd.train.device import devices
from cxrkd.train.shares import predict_shared

_LOGITS = "logits"


def teacher_logits(
    model: Classifier,
    cohort: Cohort,
    cache_dir: Path,
    progress: Progress | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Logits float32 (N, K) of a teacher on the images of a cohort, from the cache when they are there.

    The file is named after the teacher's weights, its input size, the cohort's content and the rows; it is written
    whole or not at all, and one that is not what its checksum says is computed again.

    Where this machine has several GPUs, each answers a share. Other nodes wait: the answers cost one pass over the
    films, and training the teacher costs as much as eighteen (docs/scaling.md).

    Args:
        model: the teacher.
        cohort: images.
        cache_dir: where the files are.
        progress: called after every batch.
        rows: the N images that it is asked about; all when None.

    Raises:
        AnswerError: a logit is no number.
    """
    path = cache_dir / f"{_key(model, cohort, rows)}.safetensors"
    cached = _read(path, (len(cohort) if rows is None else len(rows), len(model.labels)))
    if cached is not None:
        return cached
    images = cohort.images if rows is None else cohort.images[rows]
    logits = predict_shared(model, images, devices(), progress)
    with replacing(path) as part:
        save_file({_LOGITS: logits}, part)
        seal(part)
    return logits


def _key(model: Classifier, cohort: Cohort, rows: np.ndarray | None) -> str:
    text = f"{fingerprint(model)}|{model.input_size}|{cohort.fingerprint}"
    if rows is not None:
        text += f"|{hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The cached array, or None when it is missing, damaged or of another shape."""
    if not path.exists():
        return None
    try:
        logits = load_file(path).get(_LOGITS) if check(path) else None
    except (ChecksumError, SafetensorError, OSError):
        return None
    return logits if logits is not None and logits.shape == shape and logits.dtype == np.float32 else None
