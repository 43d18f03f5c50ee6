"""Fluid, air and scar between lung and chest wall."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import WALL_POINTS, Shape, lung_outline, wall_at
from cxrkd.data.phantom.canvas import Field, ramp
from cxrkd.data.phantom.film import Film
from cxrkd.data.phantom.findings.plan import Finding


def _lateral(film: Film, side: int) -> Field:
    """Distance inwards from the outer chest wall and apex (S, S), film widths; negative outside."""
    canvas, shape = film.canvas, film.shape
    height = shape.length
    share = np.clip((canvas.y - np.float32(shape.top)) / np.float32(height), 0, 1)
    table = wall_at(shape, np.linspace(0, 1, 256)).astype(np.float32)
    wall = table[(share * 255).astype(np.int32)]
    return np.asarray(np.minimum(wall - side * canvas.x, 1.0 * (canvas.y - np.float32(shape.top))))


def effusion(film: Film, healthy: Shape, finding: Finding) -> None:
    """Fluid that blunts the costophrenic angle; its upper border climbs towards the wall (meniscus)."""
    s = finding.severity
    total = film.canvas.zeros()
    for side, amount in zip(finding.sides, (s, 0.6 * s), strict=False):
        total = np.maximum(total, _fluid(film, side, amount))
    film.add("Effusion", total, total > 0.25 * total.max())


def _fluid(film: Film, side: int, s: float) -> Field:
    canvas, shape = film.canvas, film.shape
    index = (side + 1) // 2
    away = np.clip((np.float32(shape.half_width) - side * canvas.x) / np.float32(shape.half_width), 0, 1)
    height = shape.length
    level = shape.angle[index] - (0.02 + 0.45 * s**1.4 * height)
    climb = (0.05 + 0.10 * s) * np.exp(-away / np.float32(0.10 + 0.10 * s))
    climb += 0.018 * np.exp(-(1 - away) / np.float32(0.12))
    below = canvas.y - (np.float32(level) - climb)
    return np.asarray(3.0 * ramp(below, -0.014, 0.05) * film.side(side))


def pneumothorax(film: Film, healthy: Shape, finding: Finding) -> None:
    """Air outside the lung: a fine pleural line, nothing but black beyond it, widest at the apex."""
    s, side = finding.severity, finding.side
    canvas, shape = film.canvas, film.shape
    lung = film.side(side)
    border = _shrunken(shape, side, finding)
    inner = canvas.fill(border)
    beyond = lung * (1 - inner)
    line = canvas.blur(canvas.strokes([border[: WALL_POINTS + 3]], 0.0045), 0.001) * lung
    film.vessel *= 1 - beyond
    film.opacity *= 1 - 0.9 * beyond
    film.air += np.float32(0.14 + 0.12 * s) * beyond
    film.opacity += lung * inner * np.float32(0.02 + 0.14 * s**2) + np.float32(0.35 + 0.15 * s) * line
    film.mark("Pneumothorax", beyond > 0.5)


def _shrunken(shape: Shape, side: int, finding: Finding) -> np.ndarray:
    """Outline (n, 2) of the collapsing lung: pulled towards the hilum, most at the apex, not at the mediastinum."""
    rng, s = finding.rng(), finding.severity
    outline = lung_outline(shape, side)
    height = shape.length
    down = np.clip((outline[:, 1] - shape.top) / height, 0, 1)
    far = np.clip((np.abs(outline[:, 0]) / shape.half_width - 0.17) / 0.35, 0, 1)
    gap = (0.034 + 0.15 * s) * (np.clip(1 - down / (0.45 + 0.8 * s), 0, 1) ** 0.7) + 0.05 * max(s - 0.45, 0)
    gap *= np.clip(1 - (np.arange(len(outline)) - WALL_POINTS) / 5, 0, 1)  # the base stays on the diaphragm
    gap *= 1 + 0.12 * np.sin(rng.uniform(0, 6.28) + 7 * down)
    inwards = np.array([side * 0.085, shape.top + 0.45 * height]) - outline
    inwards /= np.linalg.norm(inwards, axis=1, keepdims=True) + 1e-9
    apex = np.clip(1 - down / 0.12, 0, 1)  # the top comes down over its whole breadth
    return np.asarray(outline + inwards * (gap * np.maximum(far, 0.5 * apex))[:, None])


def thickening(film: Film, healthy: Shape, finding: Finding) -> None:
    """A dense band along the wall, or a cap on the apex, of uneven width."""
    rng, s = finding.rng(), finding.severity
    canvas, shape = film.canvas, film.shape
    height = shape.length
    if finding.kind < 0.4:
        start, stop = -0.02, rng.uniform(0.12, 0.22)
    else:
        start = rng.uniform(0.2, 0.5)
        stop = start + rng.uniform(0.25, 0.48)
    along = (canvas.y - np.float32(shape.top)) / np.float32(height)
    extent = ramp(along, start - 0.05, start + 0.05) * ramp(along, stop + 0.05, stop - 0.05)
    wide = (0.018 + 0.038 * s) * extent * np.clip(1 + 0.35 * canvas.clouds(rng, 0.09), 0.35, 1.8)
    total = canvas.zeros()
    for side in finding.sides:
        band = ramp(_lateral(film, side), wide + 0.003, wide - 0.003) * (extent > 0.15) * film.side(side)
        total = np.maximum(total, band)
    film.add("Pleural_Thickening", (0.8 + 1.9 * s) * total, total > 0.3 * total.max())
