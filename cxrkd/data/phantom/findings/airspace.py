"""Air replaced by fluid or cells: infiltration, pneumonia, consolidation; and collapse."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import Shape, lung_outline
from cxrkd.data.phantom.canvas import Canvas, Field, ramp, smooth_curve
from cxrkd.data.phantom.film import Film
from cxrkd.data.phantom.findings.plan import Finding


def site(
    shape: Shape, side: int, rng: np.random.Generator, across: tuple[float, float], down: tuple[float, float]
) -> tuple[float, float]:
    """A point (x, y) of one lung: `across` in shares of the half width, `down` from apex 0 to costophrenic angle 1."""
    height = shape.length
    return side * float(rng.uniform(*across)) * shape.half_width, shape.top + float(rng.uniform(*down)) * height


def _patch(
    film: Film, centre: tuple[float, float], radii: tuple[float, float], rough: float, rng: np.random.Generator
) -> Field:
    """Ill-defined blob in [0, 1]; `rough` is how far noise moves its border."""
    r = film.canvas.radius(centre, radii, float(rng.uniform(0, np.pi)))
    near = r < 2.2
    return np.asarray(near * ramp(r + np.float32(rough) * film.canvas.clouds(rng, 0.07, 2), 1.25, 0.3))


def infiltration(film: Film, healthy: Shape, finding: Finding) -> None:
    """Ill-defined patches of low density, often several, vessels still seen through them."""
    rng, s = finding.rng(), finding.severity
    depth = film.canvas.zeros()
    for side in finding.sides:
        for _ in range(rng.integers(2, 4)):
            centre = site(film.shape, side, rng, (0.35, 0.8), (0.25, 0.82))
            radii = rng.uniform(0.05, 0.10, 2)
            patch = _patch(film, centre, (radii[0], radii[1]), 0.45, rng)
            depth = np.maximum(depth, patch * film.side(side))
    grain = np.clip(0.75 + 0.35 * film.canvas.clouds(rng, 0.03, 2), 0.1, 1.6)
    film.add("Infiltration", (0.25 + 0.95 * s) * depth * grain, depth > 0.35)


def pneumonia(film: Film, healthy: Shape, finding: Finding) -> None:
    """One segment or lobe, denser towards its middle, with indistinct borders."""
    rng, s = finding.rng(), finding.severity
    lower = finding.kind < 0.65
    centre = site(film.shape, finding.side, rng, (0.35, 0.7), (0.62, 0.8) if lower else (0.2, 0.5))
    radii = (rng.uniform(0.085, 0.13), rng.uniform(0.065, 0.10))
    depth = film.canvas.blur(_patch(film, centre, radii, 0.25, rng), 0.012) * film.side(finding.side)
    grain = np.clip(0.85 + 0.25 * film.canvas.clouds(rng, 0.045, 2), 0.3, 1.4)
    film.add("Pneumonia", (0.32 + 1.15 * s) * depth * grain, depth > 0.3 * depth.max())


def consolidation(film: Film, healthy: Shape, finding: Finding) -> None:
    """Dense lobar opacity that stops at a fissure, with branching air bronchograms."""
    rng, s = finding.rng(), finding.severity
    canvas, side = film.canvas, finding.side
    lower = finding.kind < 0.6
    centre = site(film.shape, side, rng, (0.35, 0.62), (0.62, 0.8) if lower else (0.22, 0.42))
    radii = (rng.uniform(0.10, 0.14), rng.uniform(0.09, 0.13))
    depth = canvas.blur(_patch(film, centre, radii, 0.15, rng), 0.004)
    fissure = centre[1] + (-0.35 if lower else 0.35) * radii[1] + 0.25 * (canvas.x - centre[0]) * side
    depth *= ramp((canvas.y - fissure) * (1 if lower else -1), -0.006, 0.008)
    depth *= film.side(side) * np.clip(0.95 + 0.12 * canvas.clouds(rng, 0.05), 0.6, 1.3)
    air = 0.5 * _bronchograms(canvas, film.shape, centre, rng)
    film.add("Consolidation", (0.70 + 2.1 * s) * depth * (1 - air), depth > 0.3 * depth.max())


def _bronchograms(canvas: Canvas, shape: Shape, centre: tuple[float, float], rng: np.random.Generator) -> Field:
    root = np.array([0.09 * np.sign(centre[0]), shape.top + 0.42 * shape.length])
    lines = []
    for _ in range(4):
        tip = np.array(centre) + rng.normal(0, 0.045, 2) + 0.25 * (np.array(centre) - root)
        bend = (root + tip) / 2 + rng.normal(0, 0.012, 2)
        lines.append(smooth_curve(np.stack([root, bend, tip])))
    return canvas.blur(canvas.strokes(lines, 0.006), 0.002)


def atelectasis(film: Film, healthy: Shape, finding: Finding) -> None:
    """Plates across the base or a wedge of collapsed lung; `reshape` has already lifted the diaphragm."""
    rng, s = finding.rng(), finding.severity
    side = finding.side
    depth = _plates(film, finding, rng) if finding.kind < 0.55 else _wedge(film, finding, rng)
    depth *= film.side(side)
    film.add("Atelectasis", depth, depth > 0.3 * depth.max())
    if s > 0.3:
        film.mark("Atelectasis", lost_lung(film, healthy, side))


def lost_lung(film: Film, healthy: Shape, side: int) -> Field:
    """Where a lifted diaphragm has taken the place of lung, bool (S, S)."""
    before = film.canvas.fill(lung_outline(healthy, side))
    low = film.canvas.y > healthy.top + 0.5 * healthy.length
    return np.asarray((before > 0.5) & (film.side(side) < 0.5) & low)


def _plates(film: Film, finding: Finding, rng: np.random.Generator) -> Field:
    shape, side = film.shape, finding.side
    lines = []
    for _ in range(rng.integers(1, 4)):
        x, y = site(shape, side, rng, (0.40, 0.62), (0.62, 0.80))
        half, tilt = rng.uniform(0.05, 0.10), rng.normal(0, 0.22)
        points = [(x - half, y - tilt * half), (x, y + rng.normal(0, 0.006)), (x + half, y + tilt * half)]
        lines.append(smooth_curve(np.array(points)))
    plate = film.canvas.strokes(lines, rng.uniform(0.012, 0.022))
    return (0.5 + 1.6 * finding.severity) * film.canvas.blur(plate, 0.004)


def _wedge(film: Film, finding: Finding, rng: np.random.Generator) -> Field:
    shape, side, canvas = film.shape, finding.side, film.canvas
    height, wide = shape.length, shape.half_width
    if rng.random() < 0.4:  # upper lobe, drawn up towards the apex and the mediastinum
        points = [(0.10, 0.0), (0.62, 0.03), (0.72, 0.20), (0.45, 0.30), (0.12, 0.42)]
    else:  # lower lobe, a triangle behind the heart and on the diaphragm
        points = [(0.10, 0.45), (0.30, 0.62), (0.62, 0.95), (0.40, 1.0), (0.05, 1.0)]
    shrink = 0.65 + 0.35 * rng.random()
    polygon = np.array([(side * wide * x * shrink, shape.top + height * y) for x, y in points])
    soft = canvas.blur(canvas.fill(smooth_curve(polygon, closed=True)), 0.006)
    return np.asarray((0.4 + 1.8 * finding.severity) * soft)
