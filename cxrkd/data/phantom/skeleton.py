"""Bones as added density: spine, ribs, clavicles, shoulder blades, upper arms."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import SIDES, Anatomy, Shape, arm_line, spine_axis, wall_at
from cxrkd.data.phantom.canvas import Canvas, Field, band, ramp, smooth_curve

_POINTS = 26


def rib_line(anatomy: Anatomy, shape: Shape, index: int, side: int) -> np.ndarray:
    """Axis (n, 2) of a rib: the shadow of a tilted hoop, from the spine round the wall to the front."""
    theta = np.linspace(0.02, 0.80 * np.pi if index < 8 else 0.62 * np.pi, _POINTS)
    start = shape.top - 0.025 + index * anatomy.pitch * shape.length / 0.64
    fall = anatomy.slope * (0.45 if index == 0 else 0.72 if index == 1 else 1.0)
    share = (start + 0.5 * fall - shape.top) / shape.length
    reach = float(wall_at(shape, share)) + 0.008 if index else 0.5 * shape.half_width
    x = 0.03 + (reach - 0.03) * np.sin(theta) ** 0.92
    hump = 0.016 * np.sin(np.clip(2 * theta, 0, np.pi))
    y = start + fall * (1 - np.cos(theta)) / 2 - hump
    return np.stack([side * x, y], 1)


def ribs(canvas: Canvas, anatomy: Anatomy, shape: Shape) -> Field:
    """Posterior halves bright, anterior halves fainter and broader, both with dense cortical edges."""
    total = canvas.zeros()
    turn = _POINTS * 5 // 8
    back, front, edges, soft_edges = [], [], [], []
    for side in SIDES:
        for index in range(11):
            line = rib_line(anatomy, shape, index, side)
            width = (0.025 - 0.005 * (index < 2)) * (0.80 + 0.25 * np.linspace(0, 1, _POINTS))
            upper, lower = band(line, width)
            back.append(np.concatenate([upper[: turn + 1], lower[turn::-1]]))
            front.append(np.concatenate([upper[turn:], lower[: turn - 1 : -1]]))
            edges += [upper[: turn + 1], lower[: turn + 1]]
            soft_edges += [upper[turn:], lower[turn:]]
    for polygons, weight in ((back, 0.047), (front, 0.026)):
        for parity in (0, 1):  # neighbours may overlap, and their shadows add
            total += weight * canvas.fill(*polygons[parity::2])
    total += canvas.strokes(edges, 0.0045, 0.036)
    total += canvas.strokes(soft_edges, 0.004, 0.026)
    return canvas.blur(total, 0.0022) * np.float32(anatomy.bone)


def spine(canvas: Canvas, anatomy: Anatomy) -> Field:
    """Vertebral bodies, disc spaces and pedicles in a column."""
    y = canvas.y
    x = canvas.x - spine_axis(anatomy, y).astype(np.float32)
    phase = y / np.float32(anatomy.pitch * 0.98) * np.float32(2 * np.pi)
    column = ramp(np.abs(x), 0.052, 0.032)
    body = 0.6 + 0.4 * ramp(np.cos(phase), -0.92, -0.55)
    edge = np.exp(-(((np.abs(x) - 0.036) / 0.006) ** 2)) * ramp(np.cos(phase), -0.8, 0.2)
    pedicle = np.exp(-(((np.abs(x) - 0.021) / 0.0075) ** 2)) * ramp(np.cos(phase - 0.9), 0.45, 0.9)
    process = np.exp(-((x / 0.006) ** 2)) * ramp(np.cos(phase + 0.9), 0.3, 0.9)
    total = 0.055 * column * body + 0.022 * edge + 0.03 * pedicle + 0.026 * process
    return np.asarray(total * np.float32(anatomy.bone))


def _long_bone(canvas: Canvas, line: np.ndarray, width: float | np.ndarray, fill: float, edge: float) -> Field:
    upper, lower = band(line, width)
    inside = canvas.fill(np.concatenate([upper, lower[::-1]]))
    return np.asarray(fill * inside + canvas.strokes([upper, lower], 0.005, edge))


def shoulders(canvas: Canvas, anatomy: Anatomy, ap: bool, spread: float, tilt: float) -> Field:
    """Clavicles, shoulder blades and upper arms; on AP films the blades lie over the lungs."""
    total = canvas.zeros()
    top = anatomy.top + anatomy.shoulder
    for side in SIDES:
        y0 = top + 0.088 + side * tilt
        clavicle = smooth_curve(
            np.array([(0.035, y0), (0.10, y0 - 0.014), (0.19, y0 - 0.045), (0.29, y0 - 0.068), (0.40, y0 - 0.055)])
            * (side, 1)
        )
        ends = 1 + 0.35 * np.cos(np.linspace(0, 2 * np.pi, len(clavicle)))
        total += _long_bone(canvas, clavicle, 0.023 * ends, 0.10, 0.07)
        arm = arm_line(anatomy, side, spread)
        total += _long_bone(canvas, arm, np.linspace(0.07, 0.048, len(arm)), 0.07, 0.09)
        total += 0.09 * canvas.fill(_circle((0.445 * side, top + 0.075), 0.047))
        total += _blade(canvas, top, side, 0.055 if ap else 0.0)
    return np.asarray(total * np.float32(anatomy.bone))


def _circle(centre: tuple[float, float], radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], 1)


def _blade(canvas: Canvas, top: float, side: int, inwards: float) -> Field:
    """Shoulder blade: a thin plate with a dense outer border, spine and acromion."""
    x = np.array([0.315, 0.30, 0.325, 0.355, 0.385, 0.415, 0.43, 0.37]) - inwards
    y = top + np.array([0.03, 0.13, 0.25, 0.315, 0.25, 0.14, 0.08, 0.045])
    points = np.stack([side * x, y], 1)
    outline = smooth_curve(points, closed=True)
    outer = smooth_curve(points[3:7])
    ridge = smooth_curve(
        np.array([(0.31 - inwards, 0.085), (0.37 - inwards, 0.03), (0.45 - inwards, 0.01)]) * (side, 1)
    )
    ridge[:, 1] += top
    plate = 0.035 * canvas.fill(outline) + canvas.strokes([outline], 0.004, 0.03)
    return np.asarray(plate + canvas.strokes([outer, ridge], 0.011, 0.055))
