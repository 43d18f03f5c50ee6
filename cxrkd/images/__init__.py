"""Bytes of a file -> one grey film, or one sentence that says why not."""

from cxrkd.images.files import film_of
from cxrkd.images.film import Film, Truth
from cxrkd.images.gate import Verdict, judge
from cxrkd.images.limits import MAX_BYTES, MAX_PIXELS, MIN_SIDE
from cxrkd.images.radiograph import Radiograph, crop_note, to_input, to_tones
from cxrkd.images.read import ACCEPTED, read

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "Film",
    "Radiograph",
    "Truth",
    "Verdict",
    "crop_note",
    "film_of",
    "judge",
    "read",
    "to_input",
    "to_tones",
]
