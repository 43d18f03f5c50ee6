"""Who the patient is, how one film shows that chest, and the outlines of body, lungs and heart. Units: film widths.

`side` is -1 for the patient's right (left on the film) and +1 for the patient's left; pairs are (right, left).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cxrkd.data.phantom.canvas import smooth_curve

SIDES = (-1, 1)


@dataclass(frozen=True)
class Anatomy:
    """What stays with a patient from film to film.

    Attributes:
        female: draws breasts. age: years.
        build: -1 thin .. 1 heavy.
        half_width: midline to inner chest wall at its widest. top: height of the lung apices.
        height: apex to costophrenic angle on a full breath.
        ctr: cardiothoracic ratio on a PA film (Danzer, Am J Med Sci 1919), below 0.5 without cardiomegaly.
        dome: how far the diaphragm rises above the costophrenic angle [right, left].
        knob: radius of the aortic knob. scoliosis: sideways amplitude of the spine.
        bone: how dense the bones are. slope: fall of a rib from back to front. pitch: rib spacing.
        breast: (offset from midline, height, radius) of the breast shadow.
    """

    female: bool
    age: float
    build: float
    half_width: float
    top: float
    height: float
    ctr: float
    dome: tuple[float, float]
    knob: float
    scoliosis: float
    bone: float
    slope: float
    pitch: float
    breast: tuple[float, float, float]
    shoulder: float


@dataclass(frozen=True)
class Shape:
    """One film's chest: the anatomy under this view and breath, after findings have pulled on it.

    Attributes:
        angle: height of the costophrenic angles [right, left].
        dome: rise of the diaphragm [right, left].
        length: apex to costophrenic angle before findings; what hangs on ribs and spine keeps to it.
        floor: height of the bed of the heart. shift: mediastinum's sideways displacement.
    """

    half_width: float
    top: float
    angle: tuple[float, float]
    dome: tuple[float, float]
    ctr: float
    length: float
    floor: float
    shift: float = 0.0

    def lift(self, side: int, amount: float) -> Shape:
        """Raise one half of the diaphragm."""
        right, left = (amount, 0.0) if side < 0 else (0.0, amount)
        return replace(
            self,
            angle=(self.angle[0] - 0.35 * right, self.angle[1] - 0.35 * left),
            dome=(self.dome[0] + 0.75 * right, self.dome[1] + 0.75 * left),
        )

    @property
    def heart_extent(self) -> tuple[float, float]:
        """Distance of the right and left heart borders from the midline."""
        width = self.ctr * 2 * self.half_width
        return 0.33 * width - self.shift, 0.67 * width + self.shift


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """A random adult."""
    female = bool(rng.random() < 0.45)
    build = float(np.clip(rng.normal(0, 0.5), -1, 1))
    right = float(rng.uniform(0.085, 0.13))
    return Anatomy(
        female=female,
        age=float(np.clip(rng.normal(50, 17), 18, 90)),
        build=build,
        half_width=float(rng.normal(0.352, 0.014) - 0.012 * female),
        top=float(rng.uniform(0.10, 0.16)),
        height=float(rng.normal(0.635, 0.03) - 0.02 * female),
        ctr=float(np.clip(rng.normal(0.425 + 0.012 * build, 0.022), 0.37, 0.468)),
        dome=(right, right * float(rng.uniform(0.85, 1.0))),
        knob=float(rng.uniform(0.028, 0.038)),
        scoliosis=float(rng.normal(0, 0.004)),
        bone=float(rng.uniform(0.7, 1.25)),
        slope=float(rng.normal(0.20, 0.018)),
        pitch=float(rng.normal(0.0575, 0.0025)),
        breast=(float(rng.uniform(0.17, 0.20)), float(rng.uniform(0.54, 0.62)), float(rng.uniform(0.13, 0.17))),
        shoulder=float(rng.uniform(-0.02, 0.03)),
    )


def pose(anatomy: Anatomy, ap: bool, rng: np.random.Generator) -> Shape:
    """The chest on one film: an AP film (supine or sitting, short breath) has a larger heart and higher diaphragm."""
    breath = float(np.clip(rng.normal(0, 0.022), -0.03, 0.06)) + (0.045 if ap else 0.0)
    low = anatomy.top + anatomy.height - breath
    higher = max(float(rng.normal(0.017, 0.008)), 0.0)
    domes = (anatomy.dome[0] + 0.25 * breath, anatomy.dome[1] + 0.25 * breath)
    return Shape(
        half_width=anatomy.half_width * (1.0 - 0.3 * breath),
        top=anatomy.top,
        angle=(low, low + higher),
        dome=domes,
        length=low - anatomy.top,
        floor=low + 0.5 * (higher - sum(domes)) + 0.015,
        ctr=float(min(anatomy.ctr + 0.35 * breath + (0.015 if ap else 0.0), 0.492)),
    )


# (share of half width, share of height apex -> costophrenic angle), from the apex down the outer wall to the angle.
_OUTER = np.array(
    [(0.30, 0.0), (0.45, 0.010), (0.60, 0.05), (0.735, 0.13), (0.84, 0.25), (0.915, 0.40), (0.965, 0.57), (0.99, 0.73),
     (1.0, 0.87)]
)  # fmt: skip
WALL_POINTS = len(smooth_curve(_OUTER))
"""How many points of a lung's outline, the first ones, lie on the chest wall."""
_MEDIAL = np.array([(0.14, 0.78), (0.13, 0.6), (0.125, 0.45), (0.13, 0.3), (0.135, 0.16), (0.17, 0.05)])
# Diaphragm from the costophrenic angle inwards: (share of half width, share of the dome's rise above the angle).
_DIAPHRAGM = np.array([(0.965, 0.28), (0.87, 0.66), (0.74, 0.9), (0.58, 1.0), (0.42, 0.97), (0.28, 0.82), (0.16, 0.62)])


def lung_outline(shape: Shape, side: int) -> np.ndarray:
    """One lung as a polygon (n, 2)."""
    index = (side + 1) // 2
    wall = smooth_curve(_OUTER)
    wall = np.stack([wall[:, 0] * shape.half_width, shape.top + wall[:, 1] * shape.length], 1)
    corner = np.array([[0.995 * shape.half_width, shape.angle[index]]])
    base = np.stack([_DIAPHRAGM[:, 0] * shape.half_width, shape.angle[index] - _DIAPHRAGM[:, 1] * shape.dome[index]], 1)
    medial = np.stack([_MEDIAL[:, 0] * shape.half_width, shape.top + _MEDIAL[:, 1] * shape.length], 1)
    outline = np.concatenate([wall, smooth_curve(np.concatenate([corner, base])), medial])
    outline[:, 0] *= side
    return outline


def wall_at(shape: Shape, share: np.ndarray | float) -> np.ndarray:
    """Distance (n,) of the inner chest wall from the midline at shares of the lung's height."""
    return np.asarray(np.interp(share, _OUTER[:, 1], _OUTER[:, 0]) * shape.half_width)


def dome_height(shape: Shape, side: int) -> float:
    """Height of the top of one half of the diaphragm."""
    index = (side + 1) // 2
    return shape.angle[index] - shape.dome[index]


def heart_outline(shape: Shape) -> np.ndarray:
    """Heart as a polygon (n, 2): right atrium, left ventricle with its apex, and its bed on the diaphragm."""
    right, left = shape.heart_extent
    roof = shape.top + 0.36 * shape.length
    tall = shape.floor - roof
    points = [
        (-0.045, 0.0), (-0.6 * right, 0.16), (-0.93 * right, 0.42), (-right, 0.66), (-0.9 * right, 0.9),
        (-0.55 * right, 1.08), (0.3 * left, 1.16), (0.75 * left, 1.12), (0.965 * left, 0.99), (left, 0.84),
        (0.92 * left, 0.66), (0.77 * left, 0.46), (0.58 * left, 0.26), (0.40 * left, 0.08), (0.045, -0.08),
    ]  # fmt: skip
    outline = np.array(points)
    outline[:, 1] = roof + outline[:, 1] * tall
    return smooth_curve(outline, closed=True)


def torso_outline(anatomy: Anatomy, shape: Shape) -> np.ndarray:
    """Neck, shoulders and trunk as one polygon (n, 2)."""
    fat = 0.068 + 0.05 * anatomy.build
    neck = 0.122 + 0.018 * anatomy.build
    flank = shape.half_width + fat
    top = shape.top + anatomy.shoulder - 0.13
    right_half = np.array(
        [(neck, -0.4), (neck, top - 0.02), (neck + 0.03, top + 0.045), (0.22, top + 0.095), (0.34, top + 0.125),
         (0.47, top + 0.16), (0.58, top + 0.25), (0.57, top + 0.40), (flank + 0.055, top + 0.48),
         (flank + 0.005, top + 0.58), (flank, top + 0.72), (flank + 0.012, top + 0.9), (flank + 0.03, 1.4)]
    )  # fmt: skip
    half = smooth_curve(right_half)
    return np.concatenate([half, half[::-1] * (-1, 1)])


def arm_line(anatomy: Anatomy, side: int, spread: float) -> np.ndarray:
    """Axis (n, 2) of an upper arm held away from the trunk by `spread`."""
    top = anatomy.top + anatomy.shoulder + 0.10
    x = np.array([0.475, 0.53, 0.575, 0.60]) + spread * np.array([0.0, 0.3, 1.0, 1.4])
    return smooth_curve(np.stack([side * x, top + np.array([0.0, 0.16, 0.42, 0.75])], 1))


def spine_axis(anatomy: Anatomy, y: np.ndarray) -> np.ndarray:
    """Sideways position of the spine at heights `y`."""
    return np.asarray(anatomy.scoliosis * np.sin(5.0 * (y - 0.2)))
