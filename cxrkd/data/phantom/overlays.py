"""What lies in front of, on, or beside the chest and is no finding: bowel gas, mimics, lines, tubes, leads.

None of this looks at the labels; devices depend on the view, which depends on them mildly, as in life.
"""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import SIDES, dome_height
from cxrkd.data.phantom.canvas import Canvas, Field, ramp, smooth_curve
from cxrkd.data.phantom.film import Film


def gastric_bubble(film: Film, rng: np.random.Generator) -> Field:
    """Air under the left diaphragm, at times with a fluid level, and some bowel gas. Density to take away."""
    canvas, shape = film.canvas, film.shape
    gas = canvas.zeros()
    if rng.random() < 0.6:
        centre = (rng.uniform(0.10, 0.19), dome_height(shape, 1) + rng.uniform(0.045, 0.075))
        r = canvas.radius(centre, (rng.uniform(0.04, 0.08), rng.uniform(0.022, 0.04)), rng.normal(0, 0.2))
        bubble = ramp(r, 1.1, 0.8)
        if rng.random() < 0.5:
            bubble *= ramp(canvas.y, centre[1] + 0.014, centre[1] + 0.008)
        gas += rng.uniform(0.10, 0.24) * bubble
    for _ in range(rng.integers(0, 5)):
        centre = (rng.uniform(-0.05, 0.28), dome_height(shape, 1) + rng.uniform(0.10, 0.26))
        r = canvas.radius(centre, rng.uniform(0.015, 0.04, 2))
        gas += rng.uniform(0.05, 0.13) * ramp(r, 1.25, 0.7)
    outside = 1 - film.lung
    return np.asarray(gas * outside)


def distractors(film: Film, rng: np.random.Generator) -> Field:
    """Harmless shadows that mimic findings: nipples, skin folds, companion shadows, fat pads."""
    canvas, shape = film.canvas, film.shape
    extra = canvas.zeros()
    if rng.random() < 0.15:
        y, x = rng.uniform(0.60, 0.68), rng.uniform(0.19, 0.24)
        for side in SIDES:
            r = canvas.radius((side * x + rng.normal(0, 0.006), y + rng.normal(0, 0.006)), (0.012, 0.011))
            extra += rng.uniform(0.025, 0.06) * ramp(r, 1.15, 0.75)
    if rng.random() < 0.12:
        extra += _skin_fold(canvas, rng)
    if rng.random() < 0.2:  # epicardial fat beside the apex
        _, left = shape.heart_extent
        r = canvas.radius((left - 0.01, shape.angle[1] - shape.dome[1] + 0.01), (0.045, 0.04))
        extra += 0.09 * film.lung * ramp(r, 1.2, 0.4)
    return extra


def _skin_fold(canvas: Canvas, rng: np.random.Generator) -> Field:
    """A step of density that fades on one side, running down the outer chest: no line, vessels go on beyond it."""
    side = rng.choice(SIDES)
    x, slope, bow = rng.uniform(0.17, 0.26), rng.normal(0, 0.15), rng.normal(0, 0.3)
    y0, length = rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.4)
    away = side * canvas.x - x - slope * (canvas.y - y0) - bow * np.square(canvas.y - y0 - length / 2)
    along = ramp(canvas.y, y0, y0 + 0.05) * ramp(canvas.y, y0 + length, y0 + length - 0.06)
    fade = np.exp(np.minimum(away, 0) / np.float32(0.03)) * (away < 0)
    return np.asarray(rng.uniform(0.035, 0.075) * along * canvas.blur(fade.astype(np.float32), 0.002))


def devices(film: Film, ap: bool, rng: np.random.Generator) -> Field:
    """Leads, electrodes, catheters, tubes, stitches: mostly on AP films. Density to add."""
    canvas = film.canvas
    extra = canvas.zeros()
    if rng.random() < (0.55 if ap else 0.06):
        extra += _leads(canvas, rng)
    if rng.random() < (0.35 if ap else 0.03):
        extra += canvas.strokes([_venous_catheter(rng)], 0.0055, 0.15)
    if rng.random() < (0.25 if ap else 0.0):  # endotracheal tube: two walls
        stop = film.shape.top + rng.uniform(0.10, 0.17)
        tube = np.array([(rng.normal(0, 0.006), -0.1), (0.0, 0.12), (0.0, stop)])
        extra += canvas.strokes([tube + np.array([dx, 0.0]) for dx in (-0.008, 0.008)], 0.004, 0.11)
    if rng.random() < (0.22 if ap else 0.01):  # gastric tube
        tube = np.array([(0.0, -0.1), (0.004, 0.25), (0.012, 0.5), (0.05, 0.70), (0.10, 0.80), (0.06, 0.9)])
        extra += canvas.strokes([smooth_curve(tube)], 0.0065, 0.11)
    if rng.random() < 0.05:
        extra += canvas.strokes(_sternal_wires(), 0.004, 0.28)
    if rng.random() < 0.045:
        extra += _pacemaker(canvas, rng)
    return canvas.blur(extra, 0.0016)


def _venous_catheter(rng: np.random.Generator) -> np.ndarray:
    side = rng.choice(SIDES)
    bend = [(side * 0.30, 0.16), (side * 0.17, 0.19), (side * 0.04, 0.24), (-0.04, 0.32)]
    return smooth_curve(np.array([*bend, (-0.045, rng.uniform(0.40, 0.48))]))


def _sternal_wires() -> list[np.ndarray]:
    loop = np.array([(-0.012, 0.0), (0.0, -0.01), (0.012, 0.0), (0.0, 0.009)])
    return [smooth_curve(loop + np.array([0.0, y]), closed=True) for y in np.linspace(0.26, 0.6, 6)]


def _leads(canvas: Canvas, rng: np.random.Generator) -> Field:
    extra = canvas.zeros()
    lines, discs = [], []
    for x, y in ((-0.24, 0.26), (0.24, 0.26), (0.27, 0.62), (-0.25, 0.64))[: rng.integers(2, 5)]:
        spot = np.array([x, y]) + rng.normal(0, 0.04, 2)
        end = np.array([rng.uniform(-0.5, 0.5), rng.choice([-0.05, 1.05])])
        bend = (spot + end) / 2 + rng.normal(0, 0.08, 2)
        lines.append(smooth_curve(np.stack([spot, bend, end]), steps=12))
        discs.append(spot + 0.016 * np.stack([np.cos(np.linspace(0, 6.28, 16)), np.sin(np.linspace(0, 6.28, 16))], 1))
    extra += canvas.strokes(lines, 0.0045, 0.11)
    return np.asarray(extra + rng.uniform(0.05, 0.16) * canvas.fill(*discs))


def _pacemaker(canvas: Canvas, rng: np.random.Generator) -> Field:
    centre = np.array([0.27, 0.27]) + rng.normal(0, 0.012, 2)
    can = canvas.radius(centre, (0.05, 0.042))
    wires = []
    for end in ((-0.01, 0.62), (0.12, 0.67))[: rng.integers(1, 3)]:
        wires.append(smooth_curve(np.array([centre, (0.13, 0.21), (-0.03, 0.27), (-0.055, 0.45), end]), steps=10))
    return np.asarray(0.42 * ramp(can, 1.06, 0.96) + canvas.strokes(wires, 0.0065, 0.24))
