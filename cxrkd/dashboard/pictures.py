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


@dataclass(frozen=True)
class Panel:
    """One picture of a strip.

    Attributes:
        title: printed above it.
        rgb: uint8 (H, W, 3), or grey (H, W).
        outlines: closed curves in the panel's coordinates, for lesion truth.
        note: short lines under the title, for example the probability.
        layer: uint8 (h, w, 4), stretched over the picture; alpha is not multiplied in.
        contours: more curves, each with its colour.
        side: of the panel's coordinates; 0 means pixels of the picture.
    """

    title: str
    rgb: np.ndarray = field(repr=False)
    outlines: tuple[Outline, ...] = ()
    note: str = ""
    layer: np.ndarray | None = field(default=None, repr=False)
    contours: tuple[tuple[str, Outline], ...] = ()
    side: int = 0

    @property
    def curves(self) -> tuple[tuple[str, Outline], ...]:
        """All curves with their colours."""
        return (*((OUTLINE_COLOUR, curve) for curve in self.outlines), *self.contours)

    @property
    def unit(self) -> float:
        """Pixels of the picture that one step of the coordinates takes."""
        return self.rgb.shape[1] / (self.side or self.rgb.shape[1])

    def flat(self, side: int | None = None) -> Image.Image:
        """Picture, layer and curves as one picture, at another side where one is given."""
        rgb = grey_to_rgb(self.rgb) if self.rgb.ndim == 2 else self.rgb
        height, width = rgb.shape[:2]
        size = (side, round(side * height / width)) if side else (width, height)
        picture = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
        if self.layer is not None:
            colours = Image.fromarray(self.layer).resize(size, Image.Resampling.BILINEAR)
            picture.paste(colours.convert("RGB"), mask=colours.getchannel("A"))
        scale = self.unit * size[0] / width
        return _drawn(picture, self.curves, scale)


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
    return _drawn(picture, [(OUTLINE_COLOUR, curve) for curve in curves], scale)


def _drawn(picture: Image.Image, curves: Sequence[tuple[str, Outline]], scale: float) -> Image.Image:
    """Curves drawn into the picture, `scale` of its pixels to one step of their coordinates."""
    pen = ImageDraw.Draw(picture)
    for colour, (x, y) in curves:
        points = [((px + 0.5) * scale, (py + 0.5) * scale) for px, py in zip(x, y, strict=True)]
        pen.line(points, fill=colour, width=max(1, round(scale)))
    return picture


def strip(panels: Sequence[Panel], *, side: int, columns: int = 0) -> bytes:
    """Panels with their titles as one PNG, for a slide or a report.

    Args:
        panels: in reading order.
        side: of each picture, in pixels.
        columns: panels in a row; 0 means all.
    """
    gap, columns = 8, columns or len(panels)
    pictures = [panel.flat(side) for panel in panels]
    captions = [f"{panel.title}\n{panel.note}".strip() for panel in panels]
    above = _LINE_HEIGHT * max(len(caption.splitlines()) for caption in captions) + 2 * _CAPTION_MARGIN
    height, rows = above + max(picture.height for picture in pictures), -(-len(panels) // columns)
    canvas = Image.new("RGB", (columns * (side + gap) - gap, rows * height), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=15)
    for number, (caption, picture) in enumerate(zip(captions, pictures, strict=True)):
        left, top = number % columns * (side + gap), number // columns * height
        canvas.paste(picture, (left, top + above))
        for line, text in enumerate(caption.splitlines()):
            pen.text((left + 4, top + _CAPTION_MARGIN + line * _LINE_HEIGHT), text, fill="black", font=font)
    buffer = io.BytesIO()
    canvas.save(buffer, format="PNG")
    return buffer.getvalue()
