"""A picture that leaves the page: below it stands what it shows, so that it is known wherever it ends up."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from cxrkd.dashboard.charts.films import ColourBar

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_MARGIN, _LINE, _BAR_HEIGHT, _BAR_WIDTH, _TEXT = 8, 20, 12, 260, 15


def captioned(picture: bytes, lines: Sequence[str], bar: ColourBar | None = None) -> bytes:
    """A PNG above its colour bar and its caption, which is in the file's `Description`, too.

    Args:
        picture: PNG.
        lines: of the caption; a long one is broken.
        bar: what the colours mean; None where there are none.
    """
    above = Image.open(io.BytesIO(picture)).convert("RGB")
    font = ImageFont.load_default(size=_TEXT)
    broken = [part for line in lines for part in _broken(line, font, above.width - 2 * _MARGIN)]
    for_bar = _BAR_HEIGHT + 2 * _LINE if bar is not None else 0
    height = above.height + 2 * _MARGIN + for_bar + _LINE * len(broken)
    canvas = Image.new("RGB", (above.width, height), "white")
    canvas.paste(above, (0, 0))
    pen, top = ImageDraw.Draw(canvas), above.height + _MARGIN
    if bar is not None:
        _draw_bar(canvas, pen, font, bar, top)
        top += for_bar
    for number, line in enumerate(broken):
        pen.text((_MARGIN, top + number * _LINE), line, fill="black", font=font)
    notes, buffer = PngInfo(), io.BytesIO()
    notes.add_itxt("Description", "\n".join(lines))
    canvas.save(buffer, format="PNG", pnginfo=notes)
    return buffer.getvalue()


def bar_colours(bar: ColourBar, width: int, height: int) -> np.ndarray:
    """The colours of a bar from its low to its high end, uint8 (height, width, 3)."""
    positions = [position for position, _ in bar.colours]
    colours = np.array([ImageColor.getrgb(colour)[:3] for _, colour in bar.colours], float)
    steps = np.linspace(0, 1, width)
    row = np.stack([np.interp(steps, positions, colours[:, channel]) for channel in range(3)], axis=1)
    return np.repeat(np.rint(row).astype(np.uint8)[None], height, axis=0)


def _draw_bar(canvas: Image.Image, pen: ImageDraw.ImageDraw, font: Font, bar: ColourBar, top: int) -> None:
    width = min(_BAR_WIDTH, canvas.width - 2 * _MARGIN)
    canvas.paste(Image.fromarray(bar_colours(bar, width, _BAR_HEIGHT)), (_MARGIN, top))
    pen.rectangle((_MARGIN, top, _MARGIN + width - 1, top + _BAR_HEIGHT - 1), outline="black")
    below = top + _BAR_HEIGHT + 2
    high = f"{bar.high:.3g}"
    pen.text((_MARGIN, below), f"{bar.low:.3g}", fill="black", font=font)
    pen.text((_MARGIN + width - font.getlength(high), below), high, fill="black", font=font)
    pen.text((_MARGIN + width + 10, top - 3), bar.title, fill="black", font=font)


def _broken(line: str, font: Font, width: float) -> list[str]:
    """A line broken between words where it would not fit."""
    parts: list[str] = []
    for word in line.split():
        longer = f"{parts[-1]} {word}" if parts else word
        if parts and font.getlength(longer) <= width:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts
