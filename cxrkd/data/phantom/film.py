"""The chest as layers, and how they add up to attenuation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cxrkd.data.phantom.anatomy import (
    SIDES,
    Anatomy,
    Shape,
    arm_line,
    dome_height,
    heart_outline,
    lung_outline,
    spine_axis,
    torso_outline,
)
from cxrkd.data.phantom.canvas import Canvas, Field, band, ramp
from cxrkd.data.phantom.vessels import hila, vessels


@dataclass
class Film:
    """Layers (S, S), float32, that findings draw on before `attenuation` adds them up.

    Attributes:
        lungs: coverage of the right and left lung. lung: of both.
        edge: distance to the edge of the lungs, film widths. heart: coverage.
        opacity: optical depth added to the air of the lungs by findings.
        vessel: optical depth of vessels and hila; findings may erase it.
        air: factor on how much air a place holds (emphysema, pneumothorax above 1).
        extra: density added wherever it is, bone and metal included.
        masks: lesion truth per label.
    """

    canvas: Canvas
    anatomy: Anatomy
    shape: Shape
    lungs: tuple[Field, Field]
    lung: Field
    edge: Field
    heart: Field
    opacity: Field
    vessel: Field
    air: Field
    extra: Field
    masks: dict[str, Field] = field(default_factory=dict)

    def side(self, side: int) -> Field:
        """Coverage of the lung of one side."""
        return self.lungs[(side + 1) // 2]

    def add(self, label: str, depth: Field, region: Field) -> None:
        """Lay optical `depth` (S, S) over the lungs and mark bool `region` (S, S) as the finding."""
        self.opacity += depth
        self.mark(label, region)

    def mark(self, label: str, region: Field) -> None:
        """Add a bool region (S, S) to a label's mask."""
        self.masks[label] = region | self.masks[label] if label in self.masks else region


def lay_out(canvas: Canvas, anatomy: Anatomy, shape: Shape, tree: list[np.ndarray]) -> Film:
    """A film of a chest without findings."""
    right, left = (canvas.fill(lung_outline(shape, side)) for side in SIDES)
    lung = np.maximum(right, left)
    return Film(
        canvas=canvas,
        anatomy=anatomy,
        shape=shape,
        lungs=(right, left),
        lung=lung,
        edge=canvas.depth_inside(lung),
        heart=canvas.blur(canvas.fill(heart_outline(shape)), 0.004),
        opacity=canvas.zeros(),
        vessel=vessels(canvas, shape, tree) + hila(canvas, shape),
        air=np.ones((canvas.size, canvas.size), np.float32),
        extra=canvas.zeros(),
    )


def attenuation(film: Film, bones: Field, spread: float) -> Field:
    """Film density before exposure: about 0 in air, 0.3 in lung, 0.7 in muscle, 1 under the diaphragm."""
    canvas = film.canvas
    body = soft_tissue(film, spread)
    middle = mediastinum(film)
    heart = np.maximum(film.heart, middle)
    bulge = np.sqrt(1 - np.square(1 - np.clip(film.edge * np.float32(1 / 0.10), 0, 1)))
    lung = canvas.blur(film.lung, 0.0025)
    air = lung * (0.60 + 0.40 * bulge) * (1 - 0.86 * heart) * film.air
    depth = film.opacity + film.vessel * (1 - 0.6 * heart)
    # what lies behind the heart still adds to it
    solid = 0.11 * ramp(film.edge, 0.0, 0.05) * heart * (1 - np.exp(-film.opacity))
    density = body * (1 + 0.06 * heart) + bones * (1 - 0.5 * heart) - 0.43 * air * np.exp(-depth) - airways(film)
    return np.asarray(density + solid + film.extra)


def soft_tissue(film: Film, spread: float) -> Field:
    """Trunk, arms, breasts and belly."""
    canvas, anatomy, shape = film.canvas, film.anatomy, film.shape
    trunk = canvas.fill(torso_outline(anatomy, shape))
    arms = []
    for side in SIDES:
        upper, lower = band(arm_line(anatomy, side, spread), 0.16 + 0.03 * anatomy.build)
        arms.append(np.concatenate([upper, lower[::-1]]))
    arm = canvas.fill(*arms)
    inside = canvas.depth_inside(np.maximum(trunk, arm))
    thick = 0.36 + 0.29 * np.sqrt(np.clip(inside / 0.22, 0, 1))
    ridge = 0.055 * np.exp(-np.square(canvas.x / np.float32(0.10)))
    dome = 0.5 * (dome_height(shape, -1) + dome_height(shape, 1))
    belly = 0.17 * ramp(canvas.y, dome - 0.06, dome + 0.22)
    neck = 0.06 * ramp(canvas.y, shape.top + 0.10, shape.top - 0.05)
    tissue = canvas.blur(np.maximum(trunk, 0.93 * arm), 0.003) * (thick + ridge + belly - neck)
    return np.asarray(tissue * np.float32(1 + 0.04 * anatomy.build) + breasts(film))


def breasts(film: Film) -> Field:
    """Soft shadow over the lower zones with a sharp lower border; pectoral fold in men."""
    canvas, anatomy = film.canvas, film.anatomy
    offset, height, radius = anatomy.breast
    total = canvas.zeros()
    size = (0.17 + 0.04 * anatomy.build) if anatomy.female else 0.028
    for side in SIDES:
        r = canvas.radius((side * offset, height), (radius, radius * (1.0 if anatomy.female else 0.8)))
        lower = ramp(canvas.y, height - radius * 1.1, height + 0.75 * radius)
        total += size * np.sqrt(np.clip(1 - r * r, 0, 1)) * (0.25 + 0.75 * lower)
    return canvas.blur(total, 0.003)


def mediastinum(film: Film) -> Field:
    """Great vessels above the heart: caval border, aortic knob, pulmonary trunk, descending aorta. Coverage."""
    canvas, shape, anatomy = film.canvas, film.shape, film.anatomy
    height = shape.length
    knob = anatomy.knob + 0.007 * (anatomy.age > 60)
    y_knob = shape.top + 0.235 * height
    right = 0.052 + 0.004 * anatomy.build
    outline = np.array(
        [(-right - 0.006, -0.08), (-right, 0.1), (-right + 0.003, 0.3), (-right - 0.006, 0.5), (0.05, 0.95),
         (0.062, 0.5), (0.056, 0.40), (0.046, 0.30), (0.038 + 0.7 * knob, 0.235), (0.045, 0.15), (0.046, 0.0),
         (0.055, -0.08)]
    )  # fmt: skip
    outline = outline * (1, height) + (shape.shift, shape.top)
    bow = canvas.radius((0.036 + shape.shift, y_knob), (knob * 1.05, knob * 1.15))
    trunk = canvas.radius((0.052 + shape.shift, shape.top + 0.375 * height), (0.032, 0.045))
    shadow = np.maximum(canvas.fill(outline), np.maximum(ramp(bow, 1.1, 0.95), 0.9 * ramp(trunk, 1.15, 0.85)))
    return canvas.blur(shadow, 0.003)


def airways(film: Film) -> Field:
    """Lucency of the trachea and main bronchi over the mediastinum."""
    canvas, shape = film.canvas, film.shape
    height = shape.length
    fork = shape.top + 0.30 * height
    above, below = spine_axis(film.anatomy, np.array([shape.top, fork]))
    below += shape.shift
    trachea = np.array([(above, -0.1), (above, shape.top), (below, fork)])
    right = np.array([(below, fork), (below - 0.045, fork + 0.055)])
    left = np.array([(below, fork), (below + 0.062, fork + 0.060)])
    shadow = 0.125 * canvas.strokes([trachea], 0.030)
    shadow = np.maximum(shadow, 0.06 * canvas.strokes([right, left], 0.022))
    return canvas.blur(shadow, 0.005)
