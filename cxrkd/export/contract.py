"""What goes in and what comes out, for programs: thresholds with calibration, the input, one worked example."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy.special import expit

from cxrkd.config import Member
from cxrkd.evaluate.temperatures import fitted_temperatures
from cxrkd.export.films import Example
from cxrkd.export.target import Answers
from cxrkd.images.radiograph import unit
from cxrkd.runs import Run
from cxrkd.runs.standing import standing

VERSION = 1
EXAMPLE = "example.png"
DIGITS = 5
"""Of a logit or probability in a file: more would differ between processors."""
STEPS = (
    "grey: one channel; dense tissue (bone) is bright and air dark. Before anything else DICOM with MONOCHROME1 is "
    "inverted, a window or VOI LUT is applied, and pixels are made square",
    "scale: 8 bits are divided by 255; 16 bits by the largest value of the bits in use (of 8, 10, 12, 14 or 16), or "
    "between the 0.5th and 99.5th percentile where less than half of them is used",
    "crop: the central square, as large as the shorter side",
    "resize to the network's side: mean over areas where it shrinks, bilinear where it grows; no padding",
    "round to 8 bits: round(255 x) / 255, as the films that the network learned from",
    "nothing else: normalisation is inside the network",
)


def thresholds(run: Run, member: Member) -> dict[str, Any]:
    """Where each label is called, and how sure its probability may be, both from the run's validation films.

    Raises:
        RunError: the run has no figures or kept answers of the member.
    """
    known, val = standing(run, member), run.predictions(member, "val")
    temperatures = fitted_temperatures(val.logits[0], val.targets)
    cuts = run.thresholds(member)
    return {
        "version": VERSION,
        "threshold": "present where sigmoid(logit) >= threshold (Youden on validation films); null: not judged",
        "temperature": "sigmoid(logit / temperature) is the calibrated probability (Guo et al., ICML 2017, arXiv "
        "1706.04599); thresholds are of the uncalibrated one; 1 where validation has no film of either kind",
        "labels": {
            label: {
                "threshold": None if np.isnan(cuts[k]) else float(cuts[k]),
                "not_judged": known.not_judged[k] or None,
                "temperature": round(float(temperatures[k]), 4),
            }
            for k, label in enumerate(run.labels)
        },
    }


def contract(
    labels: Sequence[str], size: int, film: Example, answers: Answers, pytorch: Answers, batch: int | None = None
) -> dict[str, Any]:
    """What the network takes and gives, with what it answers about one film.

    Args:
        labels: K names.
        size: S, side of the input.
        film: the example.
        answers: of the written file.
        pytorch: of the network itself.
        batch: films that a call of the written file takes; None for any number.
    """
    x = unit(film.tones)[None, None]
    logits, expected = answers(x)[0], pytorch(x)[0]
    return {
        "version": VERSION,
        "input": {
            "name": "image",
            "type": "float32",
            "shape": [batch or "batch", 1, size, size],
            "range": [0, 1],
            "film_to_input": list(STEPS),
        },
        "output": {
            "name": "logits",
            "type": "float32",
            "shape": [batch or "batch", len(labels)],
            "labels": list(labels),
            "probability": "sigmoid of each logit by itself: findings do not exclude each other",
        },
        "not_checked": "whether the picture is a frontal chest film at all: the network answers anything",
        "example": {
            "film": EXAMPLE,
            "what": film.what,
            "logits": _named(labels, logits),
            "probabilities": _named(labels, expit(logits.astype(float))),
            "logits_in_pytorch": _named(labels, expected),
        },
    }


def _named(labels: Sequence[str], values: np.ndarray) -> dict[str, float | None]:
    rounded = [None if np.isnan(value) else round(float(value), DIGITS) for value in values]
    return dict(zip(labels, rounded, strict=True))


def png(tones: np.ndarray) -> bytes:
    """Tones uint8 (S, S) as a PNG of 8 bits of grey."""
    file = io.BytesIO()
    Image.fromarray(tones).save(file, "PNG")
    return file.getvalue()
