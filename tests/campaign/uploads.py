"""Mutated uploads: 8 and 16-bit PNG and JPEG, DICOM plain and compressed, with bits flipped, bytes overwritten, cut
out, doubled or cut off, two files spliced, and chunks, segments and elements dropped, doubled, exchanged or given
another length. Each is read as a radiograph or refused in a sentence, and nothing else happens, in bounded time. Every
tenth goes through the reading process of a server too, and ends there as it does here."""

from __future__ import annotations

import faulthandler
import resource
import struct
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file

from cxrkd.errors import ImageError
from cxrkd.images.files import film_of
from cxrkd.images.film import Film
from cxrkd.images.radiograph import Radiograph
from cxrkd.images.read import read
from tests.campaign.outcome import Outcome
from tests.images import mutations
from tests.images.conftest import dicom, encode

TITLE = "Mutated uploads"
CASES = Path(mutations.__file__).parent / "cases"
SLOW_S = 10.0  # an answer that takes longer is a fault; only the full campaign, on a quiet machine, says so
HANGS_S = 300
APART = 10


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """12,000 uploads, some hundred for CI."""
    return uploaded(12_000 if full else 300, seed, SLOW_S if full else float("inf"))


def uploaded(n: int, seed: int, slow_s: float) -> Outcome:
    """`n` uploads, dealt to the files in turn."""
    rng, found, files = np.random.default_rng(seed), Outcome(), originals()
    names, ends, slowest = list(files), Counter(), (0.0, "")
    for i in range(n):
        name, how = names[i % len(names)], MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        data = how(rng, files[name], files[names[int(rng.integers(len(names)))]])
        began = time.perf_counter()
        said = ended(data)
        took = time.perf_counter() - began
        ends[said.split(":")[0]] += 1
        where = f"upload {i}, {name}, {how.__name__}"
        found.hold(said in ("read", "refused"), f"{where}: {said}")
        found.hold(took < slow_s, f"{where}: {took:.0f} s")
        if i % APART == 0:
            there = ended(data, read_small_apart)
            found.hold(there == said, f"{where}: apart {there}")
        slowest = max(slowest, (took, where))
    found.figures |= {
        "uploads": n,
        "kinds of file": len(files),
        "read": ends["read"],
        "refused": ends["refused"],
        "also read apart": -(-n // APART),
    }
    found.figures |= {"slowest answer, s": slowest[0], "most memory, MiB": _peak_mib()}
    return found


def read_small_apart(data: bytes, name: str) -> Film:
    """As a page reads it."""
    return film_of(data, name, 64, apart=True)


def ended(data: bytes, how: Callable[[bytes, str], Radiograph | Film] = read) -> str:
    """ "read", "refused", or what happened instead; a decoder that hangs ends the campaign with its stack."""
    faulthandler.dump_traceback_later(HANGS_S, exit=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            film = how(data, "upload")
        return "read" if _is_film(film) else "read: but it is no film of finite values from 0 to 1"
    except ImageError as error:
        return "refused" if len(str(error)) < 400 else "refused: in more than a sentence or two"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        faulthandler.cancel_dump_traceback_later()


def _is_film(film: Radiograph | Film) -> bool:
    pixels = film.pixels
    varied = pixels.min() < pixels.max() or isinstance(film, Film)  # a square from its middle may be flat
    return bool(np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1 and varied)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def originals() -> dict[str, bytes]:
    """Files that can be read, by what they are."""
    noise = np.random.default_rng(0).integers(0, 4096, (120, 132), dtype=np.uint16)
    eight = (noise >> 4).astype(np.uint8)
    tags = {"WindowCenter": 2048, "WindowWidth": 4096, "RescaleSlope": 1, "RescaleIntercept": 0}
    files = {
        "png, 8 bit": encode(eight),
        "png, 16 bit": encode(noise),
        "jpeg": encode(eight, "JPEG"),
        "jpeg, progressive": encode(eight, "JPEG", progressive=True),
        "dicom, 16 bit": dicom(noise, **tags),
        "dicom, 8 bit": dicom(eight),
        "dicom, implicit, no header": dicom(noise, header=False, implicit=True, **tags),
        "dicom, JPEG": (CASES / "jpeg_fill_bytes.dcm").read_bytes(),
        "dicom, JPEG-LS": (CASES / "jpegls_12bit.dcm").read_bytes(),
        "png, colour of 16 bit": (CASES / "rgb16_14bit.png").read_bytes(),
    }
    for name, file in {"dicom, JPEG 2000": "RG1_J2KI.dcm", "dicom, JPEG 2000 lossless": "RG1_J2KR.dcm"}.items():
        files[name] = Path(get_testdata_file(file, download=False)).read_bytes()
    return files


Mutation = Callable[[np.random.Generator, bytes, bytes], bytes]


def bytes_anywhere(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Flipped, overwritten, cut out, doubled, cut off; more often near the beginning."""
    return mutations.anywhere(rng, data, early=0.8)


def truncated(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    return data[: int(len(data) * rng.random() ** 2)]


def spliced(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    return data[: int(rng.integers(1, len(data)))] + other[int(rng.integers(len(other))) :]


def chunks_edited(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Chunks of a PNG, segments of a JPEG, pieces of anything else: dropped, doubled, exchanged."""
    parts = pieces(data)
    a, b = (int(rng.integers(len(parts))) for _ in range(2))
    how = int(rng.integers(3))
    if how == 0:
        del parts[a]
    elif how == 1:
        parts.insert(a, parts[b])
    else:
        parts[a], parts[b] = parts[b], parts[a]
    return b"".join(parts)


def length_changed(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """One piece with another length in its head: none, one more or less, almost 2**16 or 2**32."""
    parts = pieces(data)
    a = int(rng.integers(len(parts)))
    piece, order = parts[a], "<" if data[128:132] == b"DICM" else ">"
    at, form = (0, ">I") if data[:4] == b"\x89PNG" else (2, ">H") if data[:2] == b"\xff\xd8" else (4, f"{order}I")
    size = struct.calcsize(form)
    if len(piece) < at + size:
        return data[: len(data) // 2]
    old, top = struct.unpack_from(form, piece, at)[0], 256**size - 1
    new = min(max(int(rng.choice([0, old - 1, old + 1, 2 * old, top - 1, top])), 0), top)
    parts[a] = piece[:at] + struct.pack(form, new) + piece[at + size :]
    return b"".join(parts)


MUTATIONS: tuple[Mutation, ...] = (
    *(bytes_anywhere, bytes_anywhere, bytes_anywhere),
    *(truncated, spliced, chunks_edited, length_changed),
)


def pieces(data: bytes) -> list[bytes]:
    """A file as its chunks or segments; of DICOM, pieces that begin with a tag of the groups 0002, 0008, 0028, 7FE0."""
    if data[:4] == b"\x89PNG":
        starts = _png(data)
    elif data[:2] == b"\xff\xd8":
        starts = _jpeg(data)
    else:
        starts = [i for i in range(0, min(len(data), 4000), 2) if data[i : i + 2] in _GROUPS and data[i + 3] == 0]
    ends = [*starts[1:], len(data)]
    return [data[: starts[0]], *(data[a:b] for a, b in zip(starts, ends, strict=True))] if starts else [data]


_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x28\x00", b"\xe0\x7f", b"\xfe\xff")


def _png(data: bytes) -> list[int]:
    starts, at = [], 8
    while at + 12 <= len(data):
        starts.append(at)
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return starts


def _jpeg(data: bytes) -> list[int]:
    starts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        starts.append(at)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return [*starts, at]
