"""PNG and JPEG -> grey. Pillow's classes are used directly: the header is read, and judged, before any pixel is."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from cxrkd.errors import ImageError
from cxrkd.images.chunks import check_chunks, check_inflation
from cxrkd.images.colour import as_bytes, coloured_share, grey_of
from cxrkd.images.limits import check_size, guarded
from cxrkd.images.orientation import EXIF
from cxrkd.images.segments import check_segments
from cxrkd.images.tones import eight_bit, sixteen_bit

ORIENTATION = 0x0112


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
        check_chunks(data, name) if kind == "PNG" else check_segments(data, name)
        image = PngImageFile(io.BytesIO(data)) if kind == "PNG" else JpegImageFile(io.BytesIO(data))
        check_size(*image.size, name)
        if kind == "PNG":
            check_inflation(data)
        _refuse_animation(image, name)
        image.load()
        channels, opacity = _channels(image, data, depth := _png_depth(data) if kind == "PNG" else 8)
        pixels, notes = _grey(channels, opacity)
        pixels, turned = _upright(pixels, image)
        palette = ("palette resolved",) * (image.mode in ("P", "PA"))
        bilevel = ("one bit a pixel: black and white only",) * (depth == 1 and image.mode in ("L", "1"))
        return pixels, (*turned, *bilevel, *palette, *notes), coloured_share(as_bytes(channels))


def _refuse_animation(image: Image.Image, name: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(
            f"{name} is an animation of {frames} frames; one still radiograph was expected. Export one frame as PNG."
        )


def _png_depth(data: bytes) -> int:
    """Bits per channel; byte 24 of a PNG, in its IHDR chunk."""
    return data[24]


def _upright(pixels: np.ndarray, image: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """The image as its camera or viewer meant it; scanners and phones store films on their side and say so in EXIF."""
    orientation = image.getexif().get(ORIENTATION, 1)
    if orientation not in EXIF:
        return pixels, ()
    return EXIF[orientation].apply(pixels), (f"turned upright as its EXIF orientation ({orientation}) says",)


def _channels(image: Image.Image, data: bytes, depth: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Grey (H, W) or red, green and blue (H, W, 3), uint8 or uint16, and opacity (H, W) of the same kind where told."""
    if image.mode.startswith("I"):
        return _with_clear_value(np.asarray(image).astype(np.uint16), image, 16)
    if depth == 16:
        return _deep(image, data)
    if image.mode in ("L", "1"):
        return _with_clear_value(np.asarray(image.convert("L")), image, depth)
    transparent = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    array = np.asarray(image.convert("RGBA" if transparent else "RGB"))
    return array[..., :3], array[..., 3] if transparent else None


def _deep(image: Image.Image, data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """16 bits in several channels, of which Pillow keeps 8; OpenCV keeps them, but takes cut files for whole."""
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16 or array.shape[:2] != image.size[::-1] or array.ndim != 3:
        raise ValueError("OpenCV sees another picture than Pillow")
    colour = np.ascontiguousarray(array[..., 2::-1])
    if array.shape[2] == 4:
        return colour, array[..., 3]
    return _with_clear_value(colour, image, 16)


def _with_clear_value(channels: np.ndarray, image: Image.Image, depth: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A PNG without an opacity channel may name one value that is transparent (its tRNS chunk), in its own bits."""
    clear = image.info.get("transparency")
    if clear is None:
        return channels, None
    full = np.iinfo(channels.dtype).max
    own = (np.atleast_1d(clear) & ((1 << depth) - 1)) * (full // ((1 << depth) - 1))
    same = channels == own if channels.ndim == 2 else (channels == own).all(2)
    return channels, np.where(same, 0, full).astype(channels.dtype)


def _grey(channels: np.ndarray, opacity: np.ndarray | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Float32 (H, W) in [0, 1]; what is transparent turns black, as air is, and has no part in scaling."""
    grey, notes = (channels, ()) if channels.ndim == 2 else grey_of(channels)
    if opacity is not None and opacity.min() == np.iinfo(opacity.dtype).max:
        opacity = None
    if channels.dtype == np.uint16:
        pixels, scaled = sixteen_bit(grey, opacity > 0 if opacity is not None and opacity.any() else None)
        notes = (scaled, *notes)
    else:
        pixels = eight_bit(grey) if grey.dtype == np.uint8 else grey
    if opacity is None:
        return pixels, notes
    share = opacity / np.float32(np.iinfo(opacity.dtype).max)
    return pixels * share, (*notes, "transparent areas drawn black")
