"""What a scanner, an export or a mail program may do to a film that a radiologist reads all the same.

Each is small, named and the same every time: noise hangs on the film's number and on nothing else. Uploads are 8-bit
pictures, so every degraded film is one again. Films go in and films come out: what networks make of them is asked in
`cxrkd.runs.stressing` and measured in `cxrkd.evaluate.stress`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from cxrkd.errors import ImageError
from cxrkd.images.resizing import resized

BLUR_SIDE = 224
"""Side in pixels at which the blur has its named width; on other films it grows and shrinks with them."""


@dataclass(frozen=True)
class Stress:
    """One degradation.

    Attributes:
        name: in files and tables.
        title: on pages.
        sentence: what it is and where it comes from.
        degrade: one film, float32 (S, S) in [0, 1], and its number -> the same, not yet of 8 bits.
    """

    name: str
    title: str
    sentence: str
    degrade: Callable[[np.ndarray, int], np.ndarray] = field(repr=False)

    def __call__(self, films: np.ndarray, numbers: np.ndarray | None = None) -> np.ndarray:
        """Degraded films.

        Args:
            films: (N, S, S), uint8 or float in [0, 1].
            numbers: int (N,), which film each is, for the noise; 0 to N - 1 if not given.

        Returns:
            uint8 (N, S, S).

        Raises:
            ImageError: the films are not of that shape or type.
        """
        if films.ndim != 3 or films.shape[1] != films.shape[2] or films.dtype.kind not in "uf":
            raise ImageError(
                f"expected square films (N, S, S) of uint8 or of float in [0, 1], got {films.dtype} of {films.shape}"
            )
        numbers = np.arange(len(films)) if numbers is None else numbers
        whole = np.float32(255 if films.dtype.kind == "u" else 1)
        out = np.empty(films.shape, np.uint8)
        for n, number in enumerate(numbers.tolist()):
            out[n] = _eight_bits(self.degrade(films[n].astype(np.float32) / whole, number))
        return out


def _eight_bits(film: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(film, 0, 1) * 255), dtype=np.uint8)


def noise(deviation: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """Gaussian noise of a standard deviation in shares of the full range, independent in each pixel."""

    def degrade(film: np.ndarray, number: int) -> np.ndarray:
        rng = np.random.default_rng([number, round(deviation * 1e6)])
        return film + np.float32(deviation) * rng.standard_normal(film.shape, dtype=np.float32)

    return degrade


def blur(film: np.ndarray, number: int) -> np.ndarray:
    """A Gaussian of one pixel's standard deviation at BLUR_SIDE."""
    return np.asarray(cv2.GaussianBlur(film, (0, 0), len(film) / BLUR_SIDE))


def jpeg(quality: int) -> Callable[[np.ndarray, int], np.ndarray]:
    """Compressed as JPEG of that quality, and read again."""

    def degrade(film: np.ndarray, number: int) -> np.ndarray:
        encoded = cv2.imencode(".jpg", _eight_bits(film), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)

    return degrade


def halve(film: np.ndarray, number: int) -> np.ndarray:
    """Half the pixels a side by mean areas, and back by bilinear interpolation."""
    return resized(resized(film, len(film) // 2), len(film))


def gamma(exponent: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """Tones to a power: below 1 the film is brighter, above 1 darker."""
    return lambda film, number: np.power(film, np.float32(exponent))


STRESSES: tuple[Stress, ...] = (
    Stress(
        "noise_low", "Noise, 0.5 %", "Gaussian noise of 0.5 % of the full range, as of a good detector.", noise(0.005)
    ),
    Stress("noise_high", "Noise, 2 %", "Gaussian noise of 2 % of the full range, as of a low dose.", noise(0.02)),
    Stress("blur", "Blur", f"A Gaussian blur of 1 px at {BLUR_SIDE} px, as of a film that moved.", blur),
    Stress("jpeg50", "JPEG, quality 50", "Compressed as JPEG of quality 50, as messengers do.", jpeg(50)),
    Stress("half", "Half resolution", "Half the pixels a side and back, as of a thumbnail.", halve),
    Stress("gamma_bright", "Brighter, gamma 0.8", "Tones to the power of 0.8, as another display curve.", gamma(0.8)),
    Stress("gamma_dark", "Darker, gamma 1.25", "Tones to the power of 1.25, as another display curve.", gamma(1.25)),
)
"""In the order of tables and charts."""
BY_NAME: dict[str, Stress] = {stress.name: stress for stress in STRESSES}
