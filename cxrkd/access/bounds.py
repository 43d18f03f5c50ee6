"""How much a visitor of a page may ask of the machine. The command line, which is the operator's own, has no bounds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from cxrkd.config import READERS, DataConfig, RunConfig
from cxrkd.errors import AccessError, ConfigError

_MOST_SEED = 2**31 - 1
_ELSEWHERE = "The operator can raise it with {setting}, or start the run on the command line."


@dataclass(frozen=True)
class Bounds:
    """The most of each thing; `CXRKD_MAX_QUEUED` and so on set them.

    Attributes:
        queued: runs that wait or work at once. seeds: of one run. patients: phantoms of one run.
        images: of a data set. image_size: pixels. epochs: of one network. batch_size: images. networks: of a teacher.
        cells: of a study. watches: folders watched at once.
    """

    queued: int = 20
    seeds: int = 10
    patients: int = 20_000
    images: int = 250_000
    image_size: int = 512
    epochs: int = 300
    batch_size: int = 512
    networks: int = 4
    cells: int = 24
    watches: int = 4

    @classmethod
    def of(cls, settings: Mapping[str, str] = os.environ) -> Self:
        """The bounds as the operator set them.

        Raises:
            ConfigError: a setting is no whole number above zero.
        """
        given = {f.name: settings[_setting(f.name)] for f in fields(cls) if settings.get(_setting(f.name))}
        for name, text in given.items():
            if not (text.isascii() and text.isdigit() and int(text) > 0):
                raise ConfigError(f"{_setting(name)}: expected a whole number above zero, got {text[:40]!r}.")
        return cls(**{name: int(text) for name, text in given.items()})

    def refuse_beyond(self, config: RunConfig) -> None:
        """Refuse a run that asks for too much of something.

        Raises:
            AccessError: says of what, how much is allowed, and who can allow more.
        """
        train = (config.teacher_train, config.student_train)
        asked = {
            "seeds": (len(config.seeds), "seeds"),
            "patients": (getattr(config.data, "n_patients", 0), "patients"),
            "image_size": (config.data.image_size, "pixels of image size"),
            "epochs": (max(one.epochs + one.warm_epochs for one in train), "epochs"),
            "batch_size": (max(one.batch_size for one in train), "images in a batch"),
            "networks": (config.teacher_arch.count("+") + 1, "networks in a teacher"),
        }
        for name, (came, what) in asked.items():
            self._refuse(name, came, what)
        if not all(0 <= seed <= _MOST_SEED for seed in (*config.seeds, getattr(config.data, "seed", 0))):
            raise AccessError(f"Seeds on this page are from 0 to {_MOST_SEED:,}. Choose a smaller one.")

    def refuse_cells(self, n_cells: int) -> None:
        """Refuse a study of too many cells.

        Raises:
            AccessError: says how many are allowed.
        """
        self._refuse("cells", n_cells, "cells in a study")

    def refuse_images(self, data: DataConfig, n_images: float) -> None:
        """Refuse a data set with too many images; what is drawn is bounded by its patients.

        Raises:
            AccessError: says how many are allowed.
        """
        if not READERS[data.kind].drawn:
            self._refuse("images", int(n_images), "images in a data set")

    def refuse_queue(self, n_active: int) -> None:
        """Refuse one more run where enough wait.

        Raises:
            AccessError: says how many may.
        """
        if n_active >= self.queued:
            raise AccessError(
                f"{n_active:,} runs wait or work already, and pages of this server queue at most {self.queued:,}. "
                "Try again when one is done, or cancel one."
            )

    def refuse_watches(self, n_active: int) -> None:
        """Refuse one more watched folder: each has a process and networks of its own.

        Raises:
            AccessError: says how many are allowed.
        """
        self._refuse("watches", n_active + 1, "watched folders at once")

    def _refuse(self, name: str, came: int, what: str) -> None:
        most = int(getattr(self, name))
        if came > most:
            more = _ELSEWHERE.format(setting=_setting(name))
            raise AccessError(f"Pages of this server take at most {most:,} {what}, got {came:,}. {more}")


def _setting(name: str) -> str:
    return f"CXRKD_MAX_{name.upper()}"
