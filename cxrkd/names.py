"""Texts that become names of files: labels, ids of images, names of uploads. None of them may choose a folder."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

NAME_BYTES = 80
"""Of one name; three of them and a suffix stay below the 255 bytes that file systems take."""
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?= *(\.|$))", re.IGNORECASE)
_IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|jpe|jfif|dcm|dicom|dic|ima|tiff?|bmp|gif|webp)$", re.IGNORECASE)


def file_name(text: str, n_bytes: int = NAME_BYTES) -> str:
    """One component of a path that says `text` as far as file systems allow.

    It has no separator, no control character and no character that Windows forbids; it neither begins nor ends with a
    dot or a space, is no device of Windows, is not empty, and takes at most `n_bytes` bytes as UTF-8. Different texts
    may become one name: see `file_names`.

    >>> file_name("Effusion / empyema"), file_name("../../../up"), file_name("CON")
    ('Effusion _ empyema', '_.._.._up', '_CON')
    """
    whole = unicodedata.normalize("NFC", text)
    shown = "".join("_" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in whole)
    safe = _UNSAFE.sub("_", shown).strip(" .")
    safe = f"_{safe}" if not safe or _WINDOWS_DEVICES.match(safe) else safe
    return safe.encode()[:n_bytes].decode(errors="ignore").rstrip(" .")


def file_names(texts: Iterable[str], n_bytes: int = NAME_BYTES) -> dict[str, str]:
    """A file name for each different text, no two alike, also where file systems ignore case.

    Give all texts that could ever be written into one folder, so that a later call chooses the same names.

    >>> file_names(["a/b", "a:b", "A_b", "c"])
    {'a/b': 'a_b-2', 'a:b': 'a_b-3', 'A_b': 'A_b', 'c': 'c'}
    """
    texts = list(dict.fromkeys(texts))
    safe = {text: file_name(text, n_bytes) for text in texts}
    by_text: dict[str, str] = {}
    taken: set[str] = set()
    last: Counter[str] = Counter()
    for text in sorted(texts, key=lambda text: safe[text] != text):  # names that are fit as they are stay as they are
        base = name = safe[text]
        while name.casefold() in taken:
            last[base] += 1
            name = f"{file_name(text, n_bytes - 8)}-{last[base] + 1}"
        taken.add(name.casefold())
        by_text[text] = name
    return {text: by_text[text] for text in texts}


def without_image_suffix(name: str) -> str:
    """The name of an image without what says its format. A UID is no format: nothing is taken from it.

    >>> without_image_suffix("00000001_000.PNG"), without_image_suffix("1.2.826.0.1.1000")
    ('00000001_000', '1.2.826.0.1.1000')
    """
    return _IMAGE_SUFFIX.sub("", name)
