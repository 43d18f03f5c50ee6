"""Which side, how severe, and how far a finding moves diaphragm, heart and mediastinum."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cxrkd.data.phantom.anatomy import Shape
from cxrkd.data.phantom.streams import Part, stream
from cxrkd.labels import CHESTXRAY14

BARELY = 0.16
"""Share of patients whose finding is barely visible (severity below 0.25)."""
_RIGHT_SHARE = {"Hernia": 0.3, "Pneumothorax": 0.55, "Atelectasis": 0.5}


@dataclass(frozen=True)
class Finding:
    """One finding of one image; place and kind stay with the patient, severity drifts between visits.

    Attributes:
        label: its name. severity: 0.05 to 1. side: -1 right, +1 left. both: whether the other side has it too.
        kind: uniform in [0, 1), picks between forms of the finding.
    """

    label: str
    severity: float
    side: int
    both: bool
    kind: float
    key: tuple[int, int, int]

    def rng(self) -> np.random.Generator:
        """A fresh generator for the finding's place and form, the same at every visit."""
        return stream(self.key[0], self.key[1], self.key[2])

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides to draw on."""
        return (self.side, -self.side) if self.both else (self.side,)


def plan(label: str, seed: int, patient: int, visit: int) -> Finding:
    """Severity, side and form of one finding of one image."""
    part = Part.FINDING + 2 * CHESTXRAY14.index(label)
    rng = stream(seed, patient, part)
    base = rng.uniform(0.06, 0.25) if rng.random() < BARELY else rng.uniform(0.45, 1.0)
    drift = stream(seed, patient, part, visit).normal(0, 0.05 if base < 0.25 else 0.12)
    return Finding(
        label=label,
        severity=float(np.clip(base + drift, 0.05, 1.0)),
        side=-1 if rng.random() < _RIGHT_SHARE.get(label, 0.52) else 1,
        both=bool(rng.random() < 0.25),
        kind=float(rng.random()),
        key=(seed, patient, part + 1),
    )


def reshape(shape: Shape, findings: list[Finding]) -> Shape:
    """The chest after volume loss, hyperinflation, an enlarged heart and pressure have moved its parts."""
    for finding in findings:
        s = finding.severity
        if finding.label == "Emphysema":
            shape = _hyperinflate(shape, s)
        elif finding.label == "Atelectasis":
            shape = shape.lift(finding.side, 0.012 + 0.060 * s)
            shape = replace(shape, shift=shape.shift + finding.side * 0.03 * max(s - 0.6, 0))
        elif finding.label == "Fibrosis":
            shape = shape.lift(-1, 0.035 * s).lift(1, 0.035 * s)
        elif finding.label in ("Pneumothorax", "Effusion") and s > 0.6:
            shape = replace(shape, shift=shape.shift - finding.side * 0.04 * (s - 0.6))
    for finding in findings:  # last, so that a label of Cardiomegaly always means a ratio above one half
        if finding.label == "Cardiomegaly":
            shape = replace(shape, ctr=max(shape.ctr, 0.515 + 0.140 * finding.severity))
    return shape


def _hyperinflate(shape: Shape, s: float) -> Shape:
    deeper = 0.008 + 0.042 * s
    flat = 0.92 - 0.70 * s
    return replace(
        shape,
        top=shape.top - 0.01 * s,
        angle=(shape.angle[0] + deeper, shape.angle[1] + deeper),
        dome=(shape.dome[0] * flat, shape.dome[1] * flat),
        floor=shape.floor + deeper + 0.5 * (1 - flat) * sum(shape.dome),
        ctr=shape.ctr - 0.075 * s,
        half_width=shape.half_width * (1 + 0.02 * s),
    )
