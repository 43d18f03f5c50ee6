"""From attenuation to a film: scatter, noise, exposure, collimation, markers. None of this looks at the labels."""

from __future__ import annotations

import cv2
import numpy as np

from cxrkd.data.phantom.canvas import Canvas, Field


def expose(canvas: Canvas, density: Field, ap: bool, rng: np.random.Generator, grain: np.random.Generator) -> Field:
    """Scatter, quantum noise, blur and tone curve: brightness (S, S) in [0, 1], bone white.

    `grain` draws one number per pixel; it has a stream of its own so that exposure does not depend on the size.
    """
    veil = rng.uniform(0.10, 0.30) if ap else rng.uniform(0.04, 0.18)
    density = (1 - veil) * density + veil * canvas.blur(density, 0.12)
    density += rng.normal(0, 0.02) + rng.normal(0, 0.035) * canvas.x + rng.normal(0, 0.03) * (canvas.y - 0.5)
    noise = canvas.blur(grain.standard_normal(density.shape, dtype=np.float32), 0.0016)
    level = 1.5 * rng.uniform(0.0012, 0.0055) * (1.3 if ap else 1.0)
    density = canvas.blur(density, rng.uniform(0.0012, 0.0034)) + np.float32(level) * np.exp(0.6 * density) * noise
    return _tone(density, rng.normal(0.48, 0.045), rng.uniform(3.0, 4.8) * (0.92 if ap else 1.0), rng)


def _tone(density: Field, centre: float, contrast: float, rng: np.random.Generator) -> Field:
    """Sigmoid film curve with a random white point and gamma."""
    floor, top = (1 / (1 + np.exp(-contrast * (v - centre))) for v in (-0.02, rng.uniform(1.0, 1.12)))
    value = (1 / (1 + np.exp(np.float32(-contrast) * (density - np.float32(centre)))) - floor) / (top - floor)
    return np.asarray(np.clip(value, 0, 1) ** np.float32(rng.uniform(0.78, 1.15)))


def finish(value: Field, ap: bool, rng: np.random.Generator) -> np.ndarray:
    """Digitise, then add collimation and marker letters; uint8 (S, S)."""
    value = value * np.float32(rng.uniform(0.90, 1.0)) + np.float32(rng.uniform(0.0, 0.035))
    image = np.ascontiguousarray(np.clip(value * 255 + 0.5, 0, 255).astype(np.uint8))
    _collimate(image, rng)
    _marker(image, ap, rng)
    return image


def _collimate(image: np.ndarray, rng: np.random.Generator) -> None:
    for edge in range(4):
        if rng.random() < 0.14:
            deep = max(1, round(rng.uniform(0.006, 0.045) * image.shape[0]))
            np.rot90(image, edge)[:deep] = rng.integers(0, 14)


def _marker(image: np.ndarray, ap: bool, rng: np.random.Generator) -> None:
    """A lead letter beside a shoulder, at times in a disc, at times with initials or PORTABLE below."""
    if rng.random() > 0.85:
        return
    size = image.shape[0]
    left = rng.random() < 0.85
    x, y = (rng.uniform(0.86, 0.93) if left else rng.uniform(0.04, 0.10)), rng.uniform(0.05, 0.17)
    scale, tone = size / 224 * rng.uniform(0.28, 0.45), int(rng.integers(215, 256))
    column, row = round(x * size), round(y * size)
    disc = rng.random() < 0.3
    if disc:
        middle = (column + round(8.8 * scale), row - round(8.8 * scale))
        cv2.circle(image, middle, round(size * 0.022), tone, -1, cv2.LINE_AA)
    _write(image, "L" if left else "R", (column, row), scale, 20 if disc else tone)
    if rng.random() < 0.4:
        words = "PORTABLE" if ap and rng.random() < 0.6 else "".join(rng.choice(list("ABDHJKMNPRSTW"), 2))
        column = max(2, min(column, size - round(len(words) * 12.5 * scale) - 3))
        _write(image, words, (column, row + round(20 * scale)), 0.6 * scale, tone)


def _write(image: np.ndarray, words: str, at: tuple[int, int], scale: float, tone: int) -> None:
    cv2.putText(image, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, tone, 1, cv2.LINE_AA)
