"""Bytes of a file -> one grey radiograph, or one sentence that says why not."""

from cxrkd.images.apart import read_apart
from cxrkd.images.gate import Verdict, judge
from cxrkd.images.limits import MAX_BYTES, MAX_PIXELS, MIN_SIDE
from cxrkd.images.radiograph import Radiograph, crop_note, to_input
from cxrkd.images.read import ACCEPTED, read
from cxrkd.images.reduced import Reduced, reduce

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "Radiograph",
    "Reduced",
    "Verdict",
    "crop_note",
    "judge",
    "read",
    "read_apart",
    "reduce",
    "to_input",
]
