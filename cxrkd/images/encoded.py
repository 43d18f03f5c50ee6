"""Pictures as bytes and as text that a page can hold."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
from PIL import Image

_TO_BGR = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def png(rgb: np.ndarray) -> bytes:
    """Encode uint8 (H, W, 3) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()


def data_uri(pixels: np.ndarray) -> str:
    """Uint8 (H, W), (H, W, 3) or (H, W, 4) as a `data:` URI, which a page draws without asking anybody for it."""
    # OpenCV packs a whole film in a fifth of the time that Pillow takes; it calls colours by their order in BMP files.
    ordered = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, _TO_BGR[pixels.shape[2]])
    packed = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    return as_uri(packed.tobytes(), "image/png")


def small_uri(rgb: np.ndarray) -> str:
    """As JPEG, a sixth as large: for many pictures that are looked at and not measured."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=88)
    return as_uri(buffer.getvalue(), "image/jpeg")


def as_uri(data: bytes, kind: str) -> str:
    """Bytes of a media type as a `data:` URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
