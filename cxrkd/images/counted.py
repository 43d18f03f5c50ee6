"""The elements, items and fragments of a DICOM file, counted while pydicom reads them.

Each of them takes eight bytes in the file and at least one read, some microseconds, so that a file of millions of empty
ones takes minutes. Counting the reads sees them as pydicom does, whatever the file says of its own encoding.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from cxrkd.errors import ImageError
from cxrkd.images.limits import too_many

# A file with a thousand private elements and 10,000 fragments is far below.
MAX_READS = 60_000
# The longest element that is looked at beside pixels is a lookup table, of 128 kB; a sequence may hold several.
MAX_VALUE, MAX_SEQUENCE, MAX_ITEMS = 1 << 16, 1 << 22, 256
ITEM = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


class Counted(io.BytesIO):
    """Bytes of which pieces are read at most MAX_READS times."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self._file, self._reads = name, 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next `size` bytes.

        Raises:
            ImageError: the file has so many parts that it cannot be a radiograph.
        """
        self._reads += 1
        if self._reads > MAX_READS:
            raise too_many(self._file, "DICOM file", self._reads // 2, "elements, items or fragments", MAX_READS // 2)
        return super().read(size)


def check_lengths(ds: Dataset, keywords: Iterable[str], name: str) -> None:
    """Raise ImageError for an element beside the pixels that is so long that it cannot be what it says."""
    for keyword in keywords:
        element = ds.get_item(keyword) if keyword in ds else None
        if keyword == "PixelData" or not isinstance(element, RawDataElement) or element.value is None:
            continue
        most = MAX_SEQUENCE if keyword.endswith("Sequence") else MAX_VALUE
        if len(element.value) > most or any(element.value.count(item) > MAX_ITEMS for item in ITEM):
            raise ImageError(
                f"{name} has {len(element.value):,} bytes as {keyword}, far more than it can need: it is damaged. "
                "Export it again."
            )
