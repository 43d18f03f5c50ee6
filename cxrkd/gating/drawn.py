"""Pictures that a program draws: documents, charts, screens, noise, limbs and slices. float32 (256, 256) in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from cxrkd.gating.variety import SIDE

Draw = Callable[[np.random.Generator], np.ndarray]
WORDS = (
    "report",
    "patient",
    "findings",
    "lungs are clear",
    "Total",
    "2026-01-12",
    "File  Edit  View",
    "Results",
    "mean",
)


def document(rng: np.random.Generator) -> np.ndarray:
    """A page of text, a chart, a table or a window on a screen; dark mode one time in four."""
    draw = (page, bar_chart, line_chart, spreadsheet, window)[rng.integers(5)]
    image = draw(rng)
    image = 1 - image if rng.random() < 0.25 else image
    low, high = rng.uniform(0, 0.15), rng.uniform(0.85, 1)
    return (low + image * (high - low)).astype(np.float32)


def page(rng: np.random.Generator) -> np.ndarray:
    """Lines of text in one or two columns, with headings and perhaps a grey figure."""
    image = np.ones((SIDE, SIDE), np.float32)
    margin, step, columns = int(rng.integers(6, 36)), int(rng.integers(6, 16)), int(rng.integers(1, 3))
    width = (SIDE - margin * (columns + 1)) // columns
    for column in range(columns):
        left = margin + column * (width + margin)
        for y in range(margin, SIDE - margin, step):
            if rng.random() < 0.12:
                continue
            end = left + round(width * (1 if rng.random() < 0.75 else rng.uniform(0.2, 1)))
            image[y : y + max(2, step // 2), left:end] = _text(rng, max(2, step // 2), end - left)
    if rng.random() < 0.4:
        y, h = int(rng.integers(20, 150)), int(rng.integers(40, 90))
        image[y : y + h, margin : SIDE - margin] = rng.uniform(0.3, 0.95)
    return image


def _text(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Something as dense as a line of letters, with gaps between words."""
    letters = (rng.random((height, width)) < 0.5).astype(np.float32)
    at = 0
    while at < width:
        at += int(rng.integers(6, 30))
        letters[:, at : at + 3] = 1
    return letters


def _write(image: np.ndarray, text: str, at: tuple[int, int], scale: float, tone: float) -> None:
    """Words in place; OpenCV writes on bytes only, so the ink is drawn apart and laid on."""
    ink = np.zeros(image.shape, np.uint8)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1)
    image += (tone - image) * (ink / np.float32(255))


def _axes(image: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int, int]:
    left, bottom = int(rng.integers(15, 45)), SIDE - int(rng.integers(15, 45))
    top, right = int(rng.integers(8, 40)), SIDE - int(rng.integers(8, 25))
    if rng.random() < 0.5:
        for y in np.linspace(top, bottom, int(rng.integers(4, 8))):
            cv2.line(image, (left, int(y)), (right, int(y)), 0.8, 1)
    cv2.line(image, (left, bottom), (right, bottom), 0.0, 1)
    cv2.line(image, (left, top), (left, bottom), 0.0, 1)
    _write(image, str(rng.choice(WORDS)), (left, top - 2), 0.4, 0.0)
    return left, top, right, bottom


def bar_chart(rng: np.random.Generator) -> np.ndarray:
    """Bars, upright."""
    image = np.ones((SIDE, SIDE), np.float32)
    left, top, right, bottom = _axes(image, rng)
    edges = np.linspace(left + 4, right, int(rng.integers(3, 14))).astype(int)
    for a, b in pairwise(edges):
        image[bottom - int(rng.integers(3, bottom - top)) : bottom, a : max(a + 2, b - 4)] = rng.uniform(0.1, 0.8)
    return image


def line_chart(rng: np.random.Generator) -> np.ndarray:
    """Curves or points."""
    image = np.ones((SIDE, SIDE), np.float32)
    left, top, right, bottom = _axes(image, rng)
    for _ in range(int(rng.integers(1, 5))):
        x = np.linspace(left, right, int(rng.integers(6, 60)))
        y = np.clip(np.cumsum(rng.normal(0, 12, len(x))) + rng.uniform(top, bottom), top, bottom)
        points = np.stack([x, y], 1).astype(np.int32)
        tone = float(rng.uniform(0, 0.6))
        if rng.random() < 0.3:
            for px, py in points.tolist():
                cv2.circle(image, (px, py), 2, tone, -1)
        else:
            cv2.polylines(image, [points], False, tone, int(rng.integers(1, 4)))
    return image


def spreadsheet(rng: np.random.Generator) -> np.ndarray:
    """A ruled table with figures in its cells."""
    image = np.ones((SIDE, SIDE), np.float32)
    rows, columns = (np.linspace(0, SIDE, int(rng.integers(5, 18))).astype(int) for _ in range(2))
    image[: rows[1]] = rng.uniform(0.5, 0.9)
    for y in rows:
        cv2.line(image, (0, int(y)), (SIDE, int(y)), 0.7, 1)
    for x in columns:
        cv2.line(image, (int(x), 0), (int(x), SIDE), 0.7, 1)
        for y in rows[1:]:
            if rng.random() < 0.7:
                _write(image, f"{rng.random():.2f}", (int(x) + 2, int(y) - 2), 0.3, 0.1)
    return image


def window(rng: np.random.Generator) -> np.ndarray:
    """An application: title bar, side bar, panels, buttons and words."""
    image = np.full((SIDE, SIDE), rng.uniform(0.85, 1), np.float32)
    bar, side = int(rng.integers(8, 30)), int(rng.integers(0, 80))
    image[:, :side] = rng.uniform(0.2, 0.9)
    image[:bar] = rng.uniform(0, 0.8)
    for _ in range(int(rng.integers(2, 9))):
        x, y = int(rng.integers(side, SIDE - 20)), int(rng.integers(bar, SIDE - 15))
        w, h = (int(v) for v in rng.integers(15, 130, 2))
        cv2.rectangle(image, (x, y), (x + w, y + h), float(rng.random()), -1 if rng.random() < 0.6 else 1)
    for _ in range(int(rng.integers(4, 20))):
        at = (int(rng.integers(SIDE - 40)), int(rng.integers(8, SIDE)))
        _write(image, str(rng.choice(WORDS)), at, rng.uniform(0.25, 0.6), float(rng.random()))
    return image


def screen_with(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A window or page in which a film takes a part only, as in a screenshot of a viewer or a paper."""
    image = document(rng)
    h, w = (int(v) for v in rng.integers(round(0.3 * SIDE), round(0.6 * SIDE), 2))
    top, left = int(rng.integers(SIDE - h)), int(rng.integers(SIDE - w))
    image[top : top + h, left : left + w] = cv2.resize(film, (w, h), interpolation=cv2.INTER_AREA)
    return image


def pattern(rng: np.random.Generator) -> np.ndarray:
    """Noise, gradients, stripes or boards: nothing of a body."""
    draw = (white_noise, cloud, gradient, stripes, checkerboard)[rng.integers(5)]
    return np.clip(draw(rng), 0, 1).astype(np.float32)


def white_noise(rng: np.random.Generator) -> np.ndarray:
    """Independent pixels: uniform, normal, or black and white."""
    side = int(rng.choice([32, 64, 128, SIDE]))
    noise = rng.random((side, side)) if rng.random() < 0.5 else rng.normal(0.5, rng.uniform(0.05, 0.3), (side, side))
    if rng.random() < 0.2:
        noise = (noise > rng.uniform(0.05, 0.95)).astype(float)
    return cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def cloud(rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with frequency by a random power, from fine clouds to a few blots."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = 1
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(SIDE, SIDE))) / frequency ** rng.uniform(0.5, 3), (SIDE, SIDE))
    return 0.5 + field / (4 * field.std())


def gradient(rng: np.random.Generator) -> np.ndarray:
    """A ramp in any direction, or rings around a point, with a little noise."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle, (cx, cy) = rng.uniform(0, 2 * np.pi), rng.uniform(-0.7, 0.7, 2)
    ramp = np.cos(angle) * x + np.sin(angle) * y if rng.random() < 0.5 else np.hypot(x - cx, y - cy)
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    return (1 - ramp if rng.random() < 0.5 else ramp) + rng.normal(0, rng.uniform(0, 0.1), (SIDE, SIDE))


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Waves of one period and direction."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 160)
    wave = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period + rng.uniform(0, 6))
    return 0.5 + 0.45 * (np.sign(wave) if rng.random() < 0.4 else wave)


def checkerboard(rng: np.random.Generator) -> np.ndarray:
    """Squares of two tones."""
    side = int(rng.integers(6, 80))
    y, x = np.mgrid[0:SIDE, 0:SIDE] + rng.integers(side)
    return rng.uniform(0, 0.3) + 0.6 * ((y // side + x // side) % 2)


def limb(rng: np.random.Generator) -> np.ndarray:
    """An arm, leg, hand or foot: soft tissue around one or several long bones with bright cortices, any direction."""
    density: np.ndarray = np.zeros((SIDE, SIDE), np.float32)
    if rng.random() < 0.3:
        _hand(density, rng)
    else:
        _shaft(density, rng)
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), rng.uniform(-180, 180) if rng.random() < 0.5 else 0, 1)
    density = cv2.GaussianBlur(cv2.warpAffine(density, turn, (SIDE, SIDE)), (0, 0), rng.uniform(0.5, 1.5))
    grain = cv2.GaussianBlur(rng.normal(0, 0.6, (SIDE, SIDE)).astype(np.float32), (0, 0), 3)
    density = density + grain * (density > 0.05)
    image = 1 - np.exp(-density * rng.uniform(0.8, 2.5))
    return _collimated(np.clip(image / max(float(image.max()), 0.1), 0, 1), rng)


def _shaft(density: np.ndarray, rng: np.random.Generator) -> None:
    """Upright: one or two long bones, perhaps with a joint, in a sleeve of soft tissue."""
    centre, width = rng.uniform(80, 176), rng.uniform(35, 100)
    y = np.arange(SIDE)
    bend, waist = rng.uniform(-20, 20), rng.uniform(0, 0.35)
    axis = centre + bend * np.sin(np.pi * y / SIDE + rng.uniform(0, 3))
    half = width / 2 * (1 - waist * np.sin(np.pi * y / SIDE + rng.uniform(-1, 1)) ** 2)
    _fill(density, axis, half, rng.uniform(0.3, 0.7))
    n, joint = int(rng.integers(1, 3)), rng.uniform(0.1, 0.9) * SIDE if rng.random() < 0.7 else None
    for k in range(n):
        offset = 0.0 if n == 1 else (k - 0.5) * width * rng.uniform(0.3, 0.5)
        flare = np.zeros(SIDE) if joint is None else 0.9 * np.exp(-(((y - joint) / 25) ** 2))
        bone = rng.uniform(0.1, 0.2) * width * (1 + flare) * (0.6 if n == 2 and k else 1)
        outer = rng.uniform(0.8, 1.4)
        _fill(density, axis + offset, bone, outer)
        _fill(density, axis + offset, bone * rng.uniform(0.4, 0.75), -rng.uniform(0.3, 0.7) * outer)
    if joint is not None:
        density[int(joint) : int(joint) + int(rng.integers(2, 5))] *= 0.6


def _fill(density: np.ndarray, axis: np.ndarray, half: np.ndarray, amount: float) -> None:
    """Add a cylinder: thick in its middle, none at its rim; axis and half-width (256,) by row."""
    inside = 1 - ((np.arange(SIDE)[None] - axis[:, None]) / np.maximum(half, 1)[:, None]) ** 2
    density += amount * np.sqrt(np.clip(inside, 0, None))


def _hand(density: np.ndarray, rng: np.random.Generator) -> None:
    """Five rays of bones that spread from a wrist or an ankle."""
    root = np.array([rng.uniform(100, 156), rng.uniform(180, 240)])
    spread, length = rng.uniform(0.2, 0.9), rng.uniform(120, 190)
    for angle in np.linspace(-spread, spread, 5) + rng.normal(0, 0.05, 5):
        way = np.array([np.sin(angle), -np.cos(angle)])
        thick, reach = int(rng.integers(14, 26)), length * rng.uniform(0.8, 1)
        layer = np.zeros_like(density)
        cv2.line(layer, *_ends(root, way, 0, reach), 0.45, thick)
        cuts = np.cumsum([0.05, 0.42, 0.26, 0.18]) * reach
        for a, b in pairwise(cuts):
            cv2.line(layer, *_ends(root, way, a + 4, b - 4), 1.4, max(4, thick // 2))
            cv2.line(layer, *_ends(root, way, a + 10, b - 10), 0.9, max(2, thick // 5))
        np.maximum(density, layer, out=density)
    cv2.circle(density, tuple(int(v) for v in root), int(rng.integers(22, 40)), 1.0, -1)
    _fill(density[int(root[1]) :], np.full(SIDE - int(root[1]), root[0]), np.full(SIDE - int(root[1]), 30.0), 0.8)


def _ends(root: np.ndarray, way: np.ndarray, a: float, b: float) -> tuple[tuple[int, int], tuple[int, int]]:
    (ax, ay), (bx, by) = root + way * a, root + way * b
    return (int(ax), int(ay)), (int(bx), int(by))


def _collimated(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the films have shutters, black or, in presentations that leave them open to light, white."""
    if rng.random() < 0.5:
        return image.astype(np.float32)
    image, tone = image.copy(), float(rng.random() < 0.5)
    a, b = int(rng.integers(0, 80)), SIDE - int(rng.integers(0, 80))
    image[:, :a] = image[:, b:] = tone
    if rng.random() < 0.4:
        image[: rng.integers(1, 40)] = image[-rng.integers(1, 40) :] = tone
    return image.astype(np.float32)


def tomogram(rng: np.random.Generator) -> np.ndarray:
    """A slice of a head or trunk: a bright or grey outline on black, organs in it, perhaps a table below."""
    image: np.ndarray = np.zeros((SIDE, SIDE), np.float32)
    centre = (int(rng.integers(110, 146)), int(rng.integers(105, 140)))
    axes = (int(rng.integers(60, 120)), int(rng.integers(50, 112)))
    tilt, tissue = float(rng.uniform(-12, 12)), float(rng.uniform(0.2, 0.7))
    rim = int(rng.integers(2, 14))
    cv2.ellipse(image, centre, axes, tilt, 0, 360, float(rng.uniform(0.1, 1)), -1)
    cv2.ellipse(image, centre, (axes[0] - rim, axes[1] - rim), tilt, 0, 360, tissue, -1)
    for _ in range(int(rng.integers(3, 14))):
        at = tuple(int(c + rng.uniform(-0.65, 0.65) * a) for c, a in zip(centre, axes, strict=True))
        size = tuple(int(v) for v in rng.uniform(0.05, 0.45, 2) * axes)
        cv2.ellipse(image, at, size, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0, 1)), -1)
    if rng.random() < 0.5:
        cv2.ellipse(image, (128, 150), (120, 100), 0, 20, 160, float(rng.uniform(0.3, 1)), 2)
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3)) + rng.normal(0, 0.03, image.shape)
    return np.clip(image, 0, 1).astype(np.float32)


def faint(rng: np.random.Generator) -> np.ndarray:
    """Almost nothing: one tone with a little noise, or with a few bright or dark specks."""
    image = np.full((SIDE, SIDE), rng.random(), np.float32)
    if rng.random() < 0.5:
        return np.clip(image + rng.normal(0, 0.004, image.shape), 0, 1).astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        at = (int(rng.integers(SIDE)), int(rng.integers(SIDE)))
        cv2.circle(image, at, int(rng.integers(1, 7)), float(rng.random()), -1)
    return image


PROGRAMS: dict[str, Draw] = {"document": document, "limb": limb, "slice": tomogram, "pattern": pattern}
"""By the kind that they draw."""
