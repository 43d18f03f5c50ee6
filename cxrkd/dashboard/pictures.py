"""Pixels for the screen: outlines of masks, and the strip a visitor downloads."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

Outline = tuple[np.ndarray, np.ndarray]
OUTLINE_COLOUR = "#56D4E0"
_LINE_HEIGHT, _CAPTION_MARGIN = 19, 8
_HEADING_HEIGHT = 30


@dataclass(frozen=True)
class Panel:
    """One picture of a strip.

    Attributes:
        title: printed above it.
        rgb: uint8 (H, W, 3).
        outlines: closed curves in pixel coordinates, for lesion truth.
        note: short lines under the title, for example the probability.
    """

    title: str
    rgb: np.ndarray = field(repr=False)
    outlines: tuple[Outline, ...] = ()
    note: str = ""


def grey_to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Grey float (H, W) in [0, 1], or uint8 (H, W), -> uint8 (H, W, 3)."""
    grey = pixels if pixels.dtype == np.uint8 else np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def outlines(mask: np.ndarray) -> tuple[Outline, ...]:
    """Closed curves (x, y) around the True pixels of a (H, W) mask, also where it touches the border."""
    padded = np.pad(mask.astype(float), 1)
    return tuple((curve[:, 1] - 1, curve[:, 0] - 1) for curve in find_contours(padded, 0.5))


def outlined(rgb: np.ndarray, curves: Sequence[Outline], scale: int = 1) -> Image.Image:
    """Draw outlines on an enlarged copy of the picture."""
    height, width = rgb.shape[:2]
    picture = Image.fromarray(rgb).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for x, y in curves:
        points = [((px + 0.5) * scale, (py + 0.5) * scale) for px, py in zip(x, y, strict=True)]
        pen.line(points, fill=OUTLINE_COLOUR, width=max(1, scale))
    return picture


def strip(panels: Sequence[Panel], scale: int = 2) -> bytes:
    """All panels side by side with their titles, as PNG, for a slide or a report."""
    pictures = [outlined(panel.rgb, panel.outlines, scale) for panel in panels]
    gap = 8
    captions = [f"{panel.title}\n{panel.note}".strip() for panel in panels]
    above = _LINE_HEIGHT * max(len(caption.splitlines()) for caption in captions) + 2 * _CAPTION_MARGIN
    width = sum(p.width for p in pictures) + gap * (len(pictures) - 1)
    canvas = Image.new("RGB", (width, max(p.height for p in pictures) + above), "white")
    pen, font, left = ImageDraw.Draw(canvas), ImageFont.load_default(size=15), 0
    for caption, picture in zip(captions, pictures, strict=True):
        canvas.paste(picture, (left, above))
        for number, line in enumerate(caption.splitlines()):
            pen.text((left + 4, _CAPTION_MARGIN + number * _LINE_HEIGHT), line, fill="black", font=font)
        left += picture.width + gap
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG")
    return buffer.getvalue()


def headed(picture: bytes, heading: str) -> bytes:
    """A PNG under a line that says what it shows, such as the film's name, so that it is known wherever it ends up."""
    below = Image.open(io.BytesIO(picture))
    canvas = Image.new("RGB", (below.width, below.height + _HEADING_HEIGHT), "white")
    canvas.paste(below, (0, _HEADING_HEIGHT))
    ImageDraw.Draw(canvas).text((4, 8), heading, fill="black", font=ImageFont.load_default(size=15))
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG")
    return buffer.getvalue()
