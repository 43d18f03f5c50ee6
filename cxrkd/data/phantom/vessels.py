"""Pulmonary vessels: a tree that leaves each hilum, drawn as density inside the lungs."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import SIDES, Shape
from cxrkd.data.phantom.canvas import Canvas, Field

_STEPS = 7


def _grow(start: np.ndarray, heading: np.ndarray, length: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Curving branches (n, STEPS, 2) from `start` (n, 2) along `heading` (n,) radians."""
    bend = rng.normal(0, 0.16, (len(heading), _STEPS - 1)).cumsum(1)
    angles = heading[:, None] + bend
    steps = (length / (_STEPS - 1))[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], 2)
    return np.concatenate([start[:, None], start[:, None] + steps.cumsum(1)], 1)


def _fork(parents: np.ndarray, lengths: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Where, whither and how long `count` children per parent go, alternating sides: starts, headings, lengths."""
    at = np.tile(np.linspace(2, _STEPS - 2, count).round().astype(int), len(parents))
    owner = np.repeat(np.arange(len(parents)), count)
    along = parents[owner, at] - parents[owner, at - 1]
    turn = rng.uniform(0.35, 0.85, len(owner)) * np.where(np.arange(len(owner)) % 2, 1, -1)
    heading = np.arctan2(along[:, 1], along[:, 0]) + turn
    return parents[owner, at], heading, lengths[owner] * rng.uniform(0.45, 0.7, len(owner))


def grow_tree(rng: np.random.Generator) -> list[np.ndarray]:
    """Three generations of branches [(n, STEPS, 2)] in lung units: x in half widths, y from apex 0 to base 1."""
    starts, headings, lengths = [], [], []
    for side in SIDES:
        fan = np.linspace(-1.2, 1.3, 9) + rng.normal(0, 0.09, 9)
        starts.append(np.stack([np.full(9, side * 0.21), 0.40 + 0.05 * np.linspace(-1, 1, 9)], 1))
        headings.append(fan if side > 0 else np.pi - fan)
        lengths.append(rng.uniform(0.50, 0.66, 9) * (1 + 0.1 * np.abs(fan)))
    start, heading, length = np.concatenate(starts), np.concatenate(headings), np.concatenate(lengths)
    tree = [_grow(start, heading, length, rng)]
    for count in (4, 3):
        start, heading, length = _fork(tree[-1], length, count, rng)
        tree.append(_grow(start, heading, length, rng))
    return tree


def vessels(canvas: Canvas, shape: Shape, tree: list[np.ndarray]) -> Field:
    """Optical depth (S, S) of the vessels, thick at the hilum and thin at the wall."""
    scale = np.array([shape.half_width, shape.length])
    depth = canvas.zeros()
    widths = ((0.0105, 0.25), (0.0078, 0.20), (0.007, 0.17), (0.005, 0.14), (0.0045, 0.12), (0.0035, 0.10))
    half = _STEPS // 2
    for level, branches in enumerate(tree):
        lines = branches * scale + (shape.shift, shape.top)
        for part, piece in enumerate((lines[:, : half + 1], lines[:, half:])):
            width, value = widths[2 * level + part]
            canvas.strokes(list(piece), width, value, out=depth)
    return canvas.blur(depth, 0.0022)


def hila(canvas: Canvas, shape: Shape) -> Field:
    """Optical depth of the pulmonary roots: the left one sits a little higher."""
    y = shape.top + 0.43 * shape.length
    right = np.exp(-(canvas.radius((-0.073 + shape.shift, y + 0.012), (0.030, 0.062), 0.25) ** 2))
    left = np.exp(-(canvas.radius((0.078 + shape.shift, y - 0.012), (0.030, 0.050), -0.3) ** 2))
    return np.asarray(0.50 * (right + left))
