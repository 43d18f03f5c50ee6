"""Pictures as bytes and as text that a page can hold."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png(rgb: np.ndarray) -> bytes:
    """Encode uint8 (H, W, 3) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()


def data_uri(rgb: np.ndarray) -> str:
    """The same as a `data:` URI, which a page draws without asking anybody for it."""
    return as_uri(png(rgb), "image/png")


def small_uri(rgb: np.ndarray) -> str:
    """As JPEG, a sixth as large: for many pictures that are looked at and not measured."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=88)
    return as_uri(buffer.getvalue(), "image/jpeg")


def as_uri(data: bytes, kind: str) -> str:
    """Bytes of a media type as a `data:` URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
