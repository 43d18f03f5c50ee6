"""Mass, nodule, hiatal hernia, enlarged heart."""

from __future__ import annotations

import numpy as np

from cxrkd.data.phantom.anatomy import SIDES, Shape, dome_height, heart_outline
from cxrkd.data.phantom.canvas import Field, ramp
from cxrkd.data.phantom.film import Film
from cxrkd.data.phantom.findings.airspace import site
from cxrkd.data.phantom.findings.plan import Finding

# A film is about 43 cm wide, so that the 3 cm that part a nodule from a mass are a diameter of 0.07 film widths.
NODULE_RADII = (0.018, 0.034)
MASS_RADII = (0.046, 0.085)


def _ball(
    film: Film, centre: tuple[float, float], radius: float, lobes: float, soft: float, rng: np.random.Generator
) -> Field:
    """Path length through a ball whose border waves by `lobes` and fades over `soft` of its radius, peak 1."""
    canvas = film.canvas
    r = canvas.radius(centre, radius * rng.uniform(0.88, 1.14, 2), float(rng.uniform(0, np.pi)))
    theta = np.arctan2(canvas.y - np.float32(centre[1]), canvas.x - np.float32(centre[0]))
    phase = rng.uniform(0, 2 * np.pi, 2)
    r = r * (1 + np.float32(lobes) * (np.sin(3 * theta + phase[0]) + 0.6 * np.sin(5 * theta + phase[1])))
    return np.asarray((0.35 + 0.65 * np.sqrt(np.clip(1 - r * r, 0, 1))) * ramp(r, 1 + soft, 1 - soft))


def mass(film: Film, healthy: Shape, finding: Finding) -> None:
    """One rounded, slightly lobulated opacity over 3 cm."""
    rng, s = finding.rng(), finding.severity
    radius = MASS_RADII[0] + (MASS_RADII[1] - MASS_RADII[0]) * (0.35 * s + 0.65 * finding.kind)
    centre = site(film.shape, finding.side, rng, (0.30, 0.75), (0.2, 0.75))
    depth = _ball(film, centre, radius, 0.06, 0.26, rng) * film.side(finding.side)
    film.add("Mass", (0.5 + 1.8 * s) * depth, depth > 0.25 * depth.max())


def nodule(film: Film, healthy: Shape, finding: Finding) -> None:
    """One to four rounded opacities under 3 cm."""
    rng, s = finding.rng(), finding.severity
    depth = film.canvas.zeros()
    for index in range(1 + int(4 * finding.kind**1.5)):
        side = finding.side if index == 0 else int(rng.choice(SIDES))
        radius = rng.uniform(0.0, 0.6) + 0.4 * s
        radius = NODULE_RADII[0] + (NODULE_RADII[1] - NODULE_RADII[0]) * radius
        centre = site(film.shape, side, rng, (0.36, 0.82), (0.14, 0.80))
        depth = np.maximum(depth, _ball(film, centre, radius, 0.03, 0.2, rng) * film.side(side))
    film.add("Nodule", (0.6 + 1.8 * s) * depth, depth > 0.3 * depth.max())


def hernia(film: Film, healthy: Shape, finding: Finding) -> None:
    """Stomach behind the heart: a rounded density with air over a fluid level."""
    rng, s = finding.rng(), finding.severity
    canvas = film.canvas
    size = 0.060 + 0.055 * s
    height = dome_height(film.shape, 1) - 0.25 * size - rng.uniform(0.0, 0.02)
    centre = (finding.side * rng.uniform(0.0, 0.045) + 0.012, height)
    r = canvas.radius(centre, (size * rng.uniform(1.0, 1.3), size))
    sac = ramp(r, 1.08, 0.88)
    level = centre[1] + size * rng.uniform(-0.15, 0.2)
    air = ramp(r, 0.97, 0.74) * ramp(canvas.y, level + 0.003, level - 0.003)
    film.opacity += 2.0 * sac * film.lung * (0.3 + 0.7 * s)
    film.extra += (0.03 + 0.05 * s) * sac - (0.08 + 0.22 * s) * air
    film.mark("Hernia", r < 1.02)


def cardiomegaly(film: Film, healthy: Shape, finding: Finding) -> None:
    """`reshape` has enlarged the heart; the truth is the heart's outline."""
    film.mark("Cardiomegaly", film.canvas.fill(heart_outline(film.shape)) > 0.5)
