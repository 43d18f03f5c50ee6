"""Drawing in chest coordinates: x is the signed distance from the midline, y runs down from the top of the film.

Both are in film widths; x > 0 is the patient's left, which a film shows on the right. Everything is placed in these
coordinates and passes through one affine pose, so that geometry does not depend on the number of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

_SHIFT = 4  # fixed-point bits that OpenCV takes for sub-pixel vertices
Field = np.ndarray
Pair = Sequence[float] | np.ndarray


@lru_cache(maxsize=8)
def _unit_grid(size: int) -> tuple[Field, Field]:
    centres = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


@lru_cache(maxsize=16)
def _catmull_rom(steps: int) -> np.ndarray:
    t = np.arange(steps) / steps
    powers = np.stack([np.ones_like(t), t, t**2, t**3], 1)
    basis = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    return np.asarray(powers @ basis)


def smooth_curve(points: np.ndarray, closed: bool = False, steps: int = 6) -> np.ndarray:
    """Catmull-Rom curve through `points` (n, 2): (n * steps, 2) if closed, else ((n - 1) * steps + 1, 2)."""
    points = np.asarray(points, dtype=np.float64)
    ends = (points[-1:], points[:2]) if closed else (2 * points[:1] - points[1:2], 2 * points[-1:] - points[-2:-1])
    padded = np.concatenate([ends[0], points, ends[1]])
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], 1)
    curve = np.einsum("sk,nkd->nsd", _catmull_rom(steps), windows).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


def band(line: np.ndarray, width: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two edges (n, 2) of a ribbon of `width` (scalar or (n,)) about a curve (n, 2)."""
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    offset = normal * np.broadcast_to(np.asarray(width) / 2, len(line))[:, None]
    return line - offset, line + offset


def ramp(value: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, smooth between (`low` > `high` turns it round)."""
    t = np.clip((value - np.float32(low)) * np.float32(1.0 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


class Canvas:
    """A square film of `size` pixels under a pose: rotation, magnification and shift about the middle of the chest."""

    def __init__(
        self, size: int, angle: float = 0.0, zoom: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """`angle` in degrees, `shift` in film widths."""
        self.size = size
        cos, sin = zoom * np.cos(np.deg2rad(angle)), zoom * np.sin(np.deg2rad(angle))
        self._matrix = np.array([[cos, -sin], [sin, cos]])
        self._centre = np.array([0.0, 0.5])
        self._origin = np.array([0.5 + shift[0], 0.5 + shift[1]])
        back = np.linalg.inv(self._matrix).astype(np.float32)
        gx, gy = (g - np.float32(o) for g, o in zip(_unit_grid(size), self._origin, strict=True))
        self.x: Field = back[0, 0] * gx + back[0, 1] * gy
        self.y: Field = back[1, 0] * gx + back[1, 1] * gy + np.float32(0.5)

    def zeros(self) -> Field:
        """An empty float32 field (S, S)."""
        return np.zeros((self.size, self.size), np.float32)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Chest coordinates (..., 2) to pixel coordinates (..., 2), pixel centres at whole numbers."""
        return np.asarray(((points - self._centre) @ self._matrix.T + self._origin) * self.size - 0.5)

    def _vertices(self, points: np.ndarray) -> np.ndarray:
        return np.round(self.pixels(points) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, *polygons: np.ndarray) -> Field:
        """Union of polygons (n, 2) as antialiased coverage, float32 (S, S) in [0, 1]."""
        image = np.zeros((self.size, self.size), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(image, [self._vertices(polygon)], 255, lineType=cv2.LINE_AA, shift=_SHIFT)
        return image * np.float32(1 / 255)

    def strokes(self, lines: Sequence[np.ndarray], width: float, value: float = 1.0, out: Field | None = None) -> Field:
        """Curves of one width as coverage times `value`, fainter if thinner than a pixel; `out` keeps the larger."""
        wide = width * self.size * float(np.sqrt(abs(np.linalg.det(self._matrix))))
        image = np.zeros((self.size, self.size), np.uint8)
        vertices = [self._vertices(line) for line in lines]
        cv2.polylines(image, vertices, False, 255, max(1, round(wide)), cv2.LINE_AA, _SHIFT)
        drawn = image * np.float32(value * min(1.0, wide) / 255)
        return drawn if out is None else np.maximum(out, drawn, out=out)

    def blur(self, field: Field, sigma: float) -> Field:
        """Gaussian blur, `sigma` in film widths; wide ones are computed on a reduced grid."""
        pixels = sigma * self.size
        if pixels < 0.3:
            return field
        factor = int(pixels // 3)
        if factor <= 1:
            return np.asarray(cv2.GaussianBlur(field, (0, 0), pixels, borderType=cv2.BORDER_REPLICATE))
        small = cv2.resize(field, (max(4, self.size // factor),) * 2, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), pixels / factor, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_LINEAR))

    def clouds(self, rng: np.random.Generator, scale: float, octaves: int = 1) -> Field:
        """Smooth noise of unit variance, features about `scale` film widths, halved in size and weight per octave."""
        total, power = self.zeros(), 0.0
        for octave in range(octaves):
            cells = max(3, round(2**octave / scale) + 2)
            coarse = rng.standard_normal((cells, cells), dtype=np.float32)
            weight = 0.5**octave
            total += weight * cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC)
            power += weight**2
        return np.asarray(total * np.float32(1.3 / np.sqrt(power)))

    def radius(self, centre: Pair, radii: Pair, angle: float = 0.0) -> Field:
        """Normalised elliptical distance (S, S): 1 on the ellipse of `radii` turned by `angle` radians."""
        dx, dy = self.x - np.float32(centre[0]), self.y - np.float32(centre[1])
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along, across = (cos * dx + sin * dy) / np.float32(radii[0]), (cos * dy - sin * dx) / np.float32(radii[1])
        return np.asarray(cv2.magnitude(along, across))

    def depth_inside(self, coverage: Field) -> Field:
        """Distance to the edge of a region of coverage (S, S), in film widths, 0 outside."""
        inside = (coverage > 0.5).astype(np.uint8)
        return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 3)) * np.float32(1 / self.size)
