"""PNG and JPEG -> grey. Pillow's classes are used directly: the header is read, and judged, before any pixel is."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from cxrkd.errors import ImageError
from cxrkd.images.limits import check_size, guarded
from cxrkd.images.tones import eight_bit, sixteen_bit

ORIENTATION = 0x0112
# Compression leaves channels of a grey picture this far apart.
GREY_TOLERANCE = 4
# Channels further apart than this, of 255, are a colour that people see.
COLOURED = 40


def read_raster(data: bytes, kind: str, name: str) -> tuple[np.ndarray, tuple[str, ...], float]:
    """Decode a PNG or JPEG.

    Args:
        data: the file.
        kind: "PNG" or "JPEG".
        name: for messages.

    Returns:
        float32 (H, W) in [0, 1], notes, and the share of the pixels that had a colour of their own.

    Raises:
        ImageError: too large, animated, damaged.
    """
    with guarded(name, kind):
        image = PngImageFile(io.BytesIO(data)) if kind == "PNG" else JpegImageFile(io.BytesIO(data))
        check_size(*image.size, name)
        _refuse_animation(image, name)
        image.load()
        upright, notes = _upright(image)
        pixels, more = _grey(upright, depth=_png_depth(data) if kind == "PNG" else 8)
        return pixels, (*notes, *more), _colour(upright)


def _refuse_animation(image: Image.Image, name: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(
            f"{name} is an animation of {frames} frames; one still radiograph was expected. Export one frame as PNG."
        )


def _png_depth(data: bytes) -> int:
    """Bits per channel; byte 24 of a PNG, in its IHDR chunk."""
    return data[24]


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The image as its camera or viewer meant it; scanners and phones store films on their side and say so in EXIF."""
    orientation = image.getexif().get(ORIENTATION, 1)
    if orientation not in range(2, 9):
        return image, ()
    return ImageOps.exif_transpose(image), (f"turned upright as its EXIF orientation ({orientation}) says",)


def _colour(image: Image.Image) -> float:
    """Share of pixels whose channels differ by more than COLOURED, once a tint of the whole picture is taken out.

    Every n-th row and column is looked at, about 256 of each: a share needs no more.
    """
    if image.mode in ("L", "1", "LA") or image.mode.startswith("I"):
        return 0.0
    step = max(1, min(image.size) // 256)
    channels = np.asarray(image.convert("RGB"))[::step, ::step].astype(np.float32)
    means = channels.mean((0, 1))
    channels *= means.mean() / np.maximum(means, 1)
    red, green, blue = np.moveaxis(channels, 2, 0)
    apart = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float((apart > COLOURED).mean())


def _grey(image: Image.Image, depth: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Never `convert("L")` on 16 bits: Pillow clips them to white (python-pillow/Pillow #3011)."""
    if image.mode.startswith("I"):
        scaled, note = sixteen_bit(np.asarray(image).astype(np.uint16))
        return scaled, (note,)
    if image.mode in ("L", "1"):
        return eight_bit(np.asarray(image.convert("L"))), ("one bit a pixel: black and white only",) * (depth == 1)
    transparent = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    pixels, notes = _average(np.asarray(image.convert("RGBA" if transparent else "RGB")))
    palette = ("palette resolved",) if image.mode in ("P", "PA") else ()
    reduced = ("16-bit channels reduced to 8 bits",) if depth == 16 else ()
    return pixels, (*palette, *reduced, *notes)


def _average(channels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Mean of uint8 colour channels (H, W, 3 or 4); what is transparent turns black, as air is."""
    grey, note = _mean_colour(channels[..., :3])
    if channels.shape[2] == 3 or channels[..., 3].min() == 255:
        return grey, (note,)
    return grey * eight_bit(channels[..., 3]), (note, "transparent areas drawn black")


def _mean_colour(colour: np.ndarray) -> tuple[np.ndarray, str]:
    """Grey in [0, 1] of uint8 (H, W, 3); equal channels keep their exact value."""
    # Channel by channel: a reduction over an axis of three takes a hundred times as long.
    red, green, blue = np.moveaxis(colour, 2, 0)
    apart = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if not apart.any():
        return eight_bit(red), "stored in colour, though grey"
    grey = (red.astype(np.float32) + green + blue) / np.float32(3 * 255)
    if apart.max() <= GREY_TOLERANCE:
        return grey, "stored in colour, though grey"
    return grey, "colour averaged to grey: a radiograph has no colour, so check that this is one"
