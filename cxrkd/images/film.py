"""A film, wherever it comes from: a file, an upload, a row of a data set. What is answered and explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from cxrkd.images.gate import Verdict, judge
from cxrkd.images.radiograph import Radiograph, crop_note, digest_of, to_tones, unit

SHORT = 12
"""Digits of a hash that people are shown: enough to tell films apart, few enough to compare by eye."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of a film.

    Attributes:
        labels: K names.
        targets: float32 (K,): 1 present, 0 absent, NaN unknown.
        masks: side S in pixels -> bool (K, S, S), lesions; all False where nobody marked any.
        severity: float32 (K,), 0 absent, about 0.1 barely visible, 1 obvious; None where nobody graded.
        title: what people call it, by who gave the labels: "Expert labels".
    """

    labels: tuple[str, ...]
    targets: np.ndarray
    masks: Callable[[int], np.ndarray] = field(repr=False)
    severity: np.ndarray | None = None
    title: str = "Labels of the data set"

    @property
    def present(self) -> tuple[str, ...] | None:
        """Names of the labels known to be present; empty where all are known to be absent, None where nobody knows.

        A film without a known finding of which one label is unknown may have that one; of one without labels nothing
        is known.
        """
        present = tuple(label for label, target in zip(self.labels, self.targets, strict=True) if target > 0.5)
        known = bool(self.labels) and not np.isnan(self.targets).any()
        return present if present or known else None

    def to_dict(self) -> dict[str, Any]:
        """By whom and what is said to be present, plain values for JSON."""
        return {"title": self.title, "present": None if self.present is None else list(self.present)}


@dataclass(frozen=True, eq=False)
class Film:
    """One film. Little of it is in memory: its tones at the size of the networks; the whole picture is read when asked.

    Attributes:
        name: what people call it: a file's name, or a data set's own name of the image.
        tones: uint8 (S, S), what networks of input size S see, in 8 bits; read-only.
        read: the whole film again, float32 (H, W) in [0, 1].
        digest: its `sha256` where that is known already, as of a file that was just read.
        notes: what the reader did to the file, in words, and what the crop to a square takes.
        real: False only for a phantom that this program drew.
        gate: whether it looks like a frontal chest radiograph; None for rows of a data set, which are not asked.
        truth: what is known of it; None for a file from outside.
        patient, view: of a row of a data set; empty for a file.
    """

    name: str
    tones: np.ndarray = field(repr=False)
    read: Callable[[], np.ndarray] = field(repr=False)
    digest: str = ""
    notes: tuple[str, ...] = ()
    real: bool = True
    gate: Verdict | None = None
    truth: Truth | None = None
    patient: str = ""
    view: str = ""

    @property
    def pixels(self) -> np.ndarray:
        """Float32 (S, S) in [0, 1], the input of the networks."""
        return unit(self.tones)

    @cached_property
    def sha256(self) -> str:
        """Of shape and pixels of the whole film, whatever file it came in. Of a row it reads the film to find out."""
        return self.digest or digest_of(self.read())

    @cached_property
    def key(self) -> str:
        """Changes when the tones do, and costs next to nothing: no file is read again for it."""
        # Rows of two data sets may have one name, as those of phantoms with other seeds.
        known = (
            self.digest or f"{self.name}-{blake2b(np.ascontiguousarray(self.tones).data, digest_size=8).hexdigest()}"
        )
        return f"{known}@{len(self.tones)}"

    @property
    def identity(self) -> str:
        """Of this file with these pixels: the same picture under another name is another film to a visitor.

        So is the same picture in colour, which is averaged away in the pixels, but not from what the gate says.
        """
        return f"{self.key} {'' if self.gate is None else self.gate.kind} {self.name}"

    @property
    def present(self) -> tuple[str, ...] | None:
        """Names of the labels known to be present; None where that is not known. See `Truth.present`."""
        return None if self.truth is None else self.truth.present

    @property
    def flagged(self) -> bool:
        """It does not look like a frontal chest radiograph."""
        return self.gate is not None and not self.gate.passed

    def to_dict(self) -> dict[str, Any]:
        """Which film it is and what was said of it, plain values for JSON; hash and truth where they are known."""
        gate = None if self.gate is None else self.gate.to_dict()
        known = {"name": self.name, "sha256": self.digest, "notes": list(self.notes), "gate": gate}
        return known if self.truth is None else known | {"truth": self.truth.to_dict()}


def film(r: Radiograph, size: int, read: Callable[[], np.ndarray]) -> Film:
    """A file that was read, judged by the gate and brought to the side S of the networks; `read` reads it again.

    Raises:
        GateError: the coefficients of the gate are missing or damaged.
    """
    return Film(r.name, to_tones(r, size), read, r.sha256, notes_of(r), gate=judge(r))


def notes_of(r: Radiograph) -> tuple[str, ...]:
    """What was done to the stored values of a file, and what the crop to a square takes."""
    crop = crop_note(r)
    return (*r.notes, crop) if crop else r.notes
