"""Findings of the whole lung: emphysema, edema, fibrosis."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import SIDES, Shape
from cxrkd.data.phantom.canvas import Field, ramp
from cxrkd.data.phantom.film import Film
from cxrkd.data.phantom.findings.airspace import lost_lung, site
from cxrkd.data.phantom.findings.plan import Finding


def emphysema(film: Film, healthy: Shape, finding: Finding) -> None:
    """Darker lungs with few vessels and bullae; `reshape` has flattened the diaphragm and narrowed the heart."""
    rng, s = finding.rng(), finding.severity
    canvas = film.canvas
    film.air *= np.float32(1.04 + 0.16 * s)
    film.vessel *= np.float32(0.9 - 0.5 * s) * (0.6 + 0.4 * ramp(film.edge, 0.02, 0.09))
    for _ in range(rng.integers(0, 4)):
        side = int(rng.choice(SIDES))
        r = canvas.radius(site(film.shape, side, rng, (0.4, 0.8), (0.08, 0.35)), rng.uniform(0.03, 0.06, 2))
        film.air += np.float32(0.10 * s) * ramp(r, 1.05, 0.9) * film.side(side)
        film.opacity += np.float32(0.12 * s) * np.exp(-np.square((r - 1) * 12)) * film.side(side)
        film.vessel *= 1 - np.float32(0.7 * s) * ramp(r, 1.1, 0.8)
    film.mark("Emphysema", film.lung > 0.5)


def edema(film: Film, healthy: Shape, finding: Finding) -> None:
    """Haze spreading from both hila, upper vessels as wide as the lower, short septal lines at the bases."""
    rng, s = finding.rng(), finding.severity
    canvas, shape = film.canvas, film.shape
    height = shape.length
    haze = canvas.zeros()
    for side in SIDES:
        centre = (side * 0.125 + shape.shift, shape.top + 0.50 * height)
        r = canvas.radius(centre, (0.115, 0.20), -0.2 * side)
        haze += film.side(side) * ramp(r, 1.35, 0.2)
    texture = np.clip(0.85 + 0.3 * canvas.clouds(rng, 0.06, 3), 0.2, 1.7)
    upper = ramp(canvas.y, shape.top + 0.5 * height, shape.top + 0.2 * height)
    film.vessel = canvas.blur(film.vessel, 0.0045 * s) * (1 + np.float32(s) * (0.35 + 0.9 * upper))
    film.add("Edema", (0.2 + 0.85 * s) * haze * texture, haze > 0.3)
    _septal_lines(film, s, rng)


def _septal_lines(film: Film, s: float, rng: np.random.Generator) -> None:
    """Kerley B: horizontal, one to two centimetres, touching the wall."""
    shape, lines = film.shape, []
    wall = 0.995 * shape.half_width
    for side in SIDES:
        for share in np.linspace(0.66, 0.90, 9) + rng.normal(0, 0.008, 9):
            y = shape.top + share * shape.length
            inner = (side * (wall - rng.uniform(0.025, 0.045)), y + rng.normal(0, 0.004))
            lines.append(np.array([(side * wall, y), inner]))
    film.opacity += np.float32(0.45 * s) * film.canvas.strokes(lines, 0.0035) * film.lung


def fibrosis(film: Film, healthy: Shape, finding: Finding) -> None:
    """A net of fine lines along the bases and walls (or the apices), with `reshape`'s loss of volume."""
    rng, s = finding.rng(), finding.severity
    canvas, shape = film.canvas, film.shape
    height = shape.length
    place = np.clip(_peripheral(film) + np.float32(0.2) * canvas.clouds(rng, 0.12), 0, 1)
    if finding.kind < 0.25:
        place *= ramp(canvas.y, shape.top + 0.42 * height, shape.top + 0.25 * height)
    else:
        place *= ramp(canvas.y, shape.top + 0.45 * height, shape.top + 0.72 * height)
    if finding.kind > 0.8:
        place *= film.side(finding.side)
    place *= film.lung * (canvas.blur(film.lung, 0.01) > 0.3)
    net = _net(film, 0.034, rng) + 0.7 * _net(film, 0.019, rng)
    film.opacity += (0.22 + 1.0 * s) * place * net + (0.08 + 0.34 * s) * place
    film.mark("Fibrosis", place > 0.35 * max(float(place.max()), 1e-6))
    for side in SIDES if s > 0.3 else ():
        film.mark("Fibrosis", lost_lung(film, healthy, side))


def _peripheral(film: Film) -> Field:
    return np.asarray(0.35 + 0.65 * ramp(film.edge, 0.13, 0.04))


def _net(film: Film, scale: float, rng: np.random.Generator) -> Field:
    """Bright where smooth noise crosses zero: closed meshes about `scale` wide."""
    return np.asarray(ramp(np.abs(film.canvas.clouds(rng, scale)), 0.42, 0.05))
