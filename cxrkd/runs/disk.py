"""How much disk a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cxrkd.config import READERS, RunConfig
from cxrkd.data.readers.chestmnist import ChestMnistConfig, npz_path
from cxrkd.evaluate.record import Record

CHECKPOINT_BYTES, HALF_BYTES, WHOLE_BYTES = 12, 2, 4  # a weight with its two moments of AdamW; as float16; as float32


@dataclass(frozen=True)
class Disk(Record):
    """Bytes that a run needs below `CXRKD_HOME` (and `~/.medmnist`): each the most it can be."""

    download: int
    prepared: int
    checkpoints: int
    kept: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.download + self.prepared + self.checkpoints + self.kept


def disk(config: RunConfig, n_images: float, n_labels: int, teacher_params: int, student_params: int) -> Disk:
    """Bytes on disk while the run is at its largest.

    Args:
        config: of the run.
        n_images: images in all.
        n_labels: K.
        teacher_params: weights of the teacher.
        student_params: weights of a student.
    """
    size, n, download = config.data.image_size, int(n_images), 0
    if isinstance(config.data, ChestMnistConfig) and not npz_path(config.data).exists():
        download = n * config.data.size**2  # the file is compressed by about a quarter
    along = teacher_params * config.objective.trains_teacher
    logits = 4 * n * n_labels * (1 + len(config.seeds) * (2 if config.control else 1))
    return Disk(
        download=download,
        prepared=0 if READERS[config.data.kind].drawn else n * size**2,
        checkpoints=CHECKPOINT_BYTES * max(teacher_params, student_params + along),
        kept=HALF_BYTES * (teacher_params + 2 * student_params) + WHOLE_BYTES * along + logits,
    )


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path`, or itself, that exists: whose disk `path` will be on."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
