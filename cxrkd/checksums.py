"""Checksums: what the bytes of a file were when it was written, told by the file itself or by a list beside it.

Files that we write carry theirs where their format has room, so that both are replaced in one step:

    .safetensors   in the metadata of the header
    .onnx          in the model's metadata, the last field of the file
    .npz, .ckpt    in the comment of the zip archive

The SHA-256 is over the whole file but for its own 64 digits. What ships, and tables, which have no room, are lines of
`SHA256SUMS` in the file's folder or the folder above it, as `sha256sum` writes and checks them. A checksum finds
damage; it is no signature, since whoever can write the file can write both.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import IO, Any

from cxrkd.atomic import replacing
from cxrkd.errors import RunError

KEY = "cxrkd_sha256"
LIST = "SHA256SUMS"
_DIGITS = 64
_BLANK = "0" * _DIGITS
_BLOCK = 1 << 20
_HEADER_LIMIT = 100_000_000  # of safetensors itself
_LIST_LIMIT = 1 << 20  # bytes of a list, which are ten thousand files
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_HEX = re.compile(rb"[0-9a-f]{64}")
_QUOTED = f'"{KEY}"'.encode()
_IN_HEADER = re.compile(_QUOTED + rb'\s*:\s*"([0-9a-f]{64})"')
# What stands before the digits at the end of a file. In ONNX (protobuf) it is field 14 of the model, a pair of strings.
_ONNX = b"\x72\x50\x0a\x0c" + KEY.encode() + b"\x12\x40"
_COMMENT = KEY.encode() + b":"
_TAILS = {".onnx": _ONNX, ".npz": _COMMENT, ".ckpt": _COMMENT}
_ZIP_END = 22  # bytes of a zip archive's last record, without a comment


class ChecksumError(RunError):
    """A file is not what it was when it was written."""


def check(path: Path) -> bool:
    """Hold a file against every checksum that is known of it.

    Returns:
        True when there is one and it holds, False when none is known, as of files that older versions wrote.

    Raises:
        ChecksumError: it does not hold, or the file or its list cannot be read; names the file.
    """
    try:
        listed, hole = _listed(path), _hole(path)
        if listed is not None:
            _compare(path, listed, sha256(path))
        if hole is not None:
            _compare(path, _at(path, hole), sha256(path, hole))
    except OSError as error:
        raise ChecksumError(
            f"{_name(path)} cannot be read ({error.strerror or error}). Restore it from a copy or make it again."
        ) from error
    return listed is not None or hole is not None


def identity(path: Path) -> str:
    """What tells a file from others: the checksum that it or its list carries, not compared; else its SHA-256.

    Raises:
        ChecksumError: its list or its header is damaged.
        OSError: the file cannot be read.
    """
    hole = _hole(path)
    return _at(path, hole) if hole is not None else _listed(path) or sha256(path)


def seal(path: Path) -> None:
    """Write a file's checksum into it; the last step before it takes its name.

    Raises:
        ValueError: the suffix is of no format with room for it, or the file is not of that format.
    """
    if path.suffix == ".safetensors":
        _widen_header(path)
    elif path.suffix in _TAILS:
        _append(path, _TAILS[path.suffix])
    else:
        raise ValueError(f"{path.suffix} files have no room for a checksum; list the file instead")
    hole = _hole(path)
    assert hole is not None  # narrows the type: the blank digits have just been written
    digest = sha256(path, hole)
    with path.open("r+b") as file:
        file.seek(hole)
        file.write(digest.encode())


def enlist(path: Path, folder: Path) -> None:
    """Write a file's line into the list of `folder`, in place of an older one.

    Raises:
        ChecksumError: the list is damaged.
        OSError: the file cannot be read or the list not be written.
    """
    lines = _lines(folder / LIST) | {path.relative_to(folder).as_posix(): sha256(path)}
    with replacing(folder / LIST) as part:
        part.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items())), encoding="utf-8")


def relist(path: Path) -> None:
    """Bring the line of a file that was written again up to date, where a list has one."""
    for folder in _folders(path):
        if path.relative_to(folder).as_posix() in _lines(folder / LIST):
            enlist(path, folder)


def sha256(path: Path, hole: int | None = None) -> str:
    """SHA-256 of a file in hex, without the 64 digits that begin at byte `hole` where that is given.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with _opened(path) as file:
        left = hole
        while block := file.read(_BLOCK if left is None else min(left, _BLOCK)):
            digest.update(block)
            if left is not None:
                left -= len(block)
        if hole is not None:
            file.seek(hole + _DIGITS)
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _folders(path: Path) -> tuple[Path, Path]:
    return path.parent, path.parent.parent


def _listed(path: Path) -> str | None:
    listed = (_lines(folder / LIST).get(path.relative_to(folder).as_posix()) for folder in _folders(path))
    return next((digest for digest in listed if digest), None)


def _lines(path: Path) -> dict[str, str]:
    """Name -> digest of a list; empty when there is none."""
    try:
        with _opened(path) as file:
            lines = file.read(_LIST_LIMIT).decode("utf-8").splitlines()
        matches = [_LINE.fullmatch(line) for line in lines]
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        matches = [None]
    if not all(matches):
        raise ChecksumError(
            f"{_name(path)} is damaged: expected lines of a SHA-256, two spaces and a file name, got something else. "
            "Restore it from a copy, or write it again with sha256sum if the files are known to be whole."
        )
    return {match[2]: match[1] for match in matches if match}


def _compare(path: Path, expected: str, got: str) -> None:
    if got != expected:
        raise ChecksumError(
            f"{_name(path)} is damaged: expected the checksum {expected[:12]}…, got {got[:12]}…. "
            "Restore the file from a copy or make it again."
        )


def _opened(path: Path) -> IO[bytes]:
    """A regular file: a pipe would be waited for, and a device has no end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ChecksumError(f"{_name(path)} cannot be read (it is no file). Restore it from a copy or make it again.")
    return os.fdopen(handle, "rb")


def _at(path: Path, hole: int) -> str:
    with _opened(path) as file:
        file.seek(hole)
        return file.read(_DIGITS).decode()


def _hole(path: Path) -> int | None:
    """Where the digits begin in a file that carries them."""
    with _opened(path) as file:
        if path.suffix == ".safetensors":
            return _hole_in_header(path, file)
        before = _TAILS.get(path.suffix)
        size = file.seek(0, 2)
        if before is None or size < len(before) + _DIGITS:
            return None
        file.seek(size - len(before) - _DIGITS)
        tail = file.read()
    if not tail.startswith(before):
        return None
    if not _HEX.fullmatch(tail[len(before) :]):
        raise ChecksumError(f"{_name(path)} is damaged: its checksum is no SHA-256. Restore or remake it.")
    return size - _DIGITS


def _hole_in_header(path: Path, file: IO[bytes]) -> int | None:
    raw, _ = _header(path, file)
    match = _IN_HEADER.search(raw)  # in the text, so that damage to what stands around it does not hide it
    if match is None and _QUOTED in raw:
        raise _not_safetensors(path, "its checksum is no SHA-256")
    return 8 + match.start(1) if match else None


def _header(path: Path, file: IO[bytes]) -> tuple[bytes, dict[str, Any]]:
    """The header of a safetensors file, as it stands there and as it reads; the file is left at its data."""
    length = int.from_bytes(file.read(8), "little")
    raw = file.read(length) if length <= _HEADER_LIMIT else b""
    try:
        header = json.loads(raw) if len(raw) == length else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise _not_safetensors(path, "its header cannot be read")
    return raw, header


def _not_safetensors(path: Path, why: str) -> ChecksumError:
    return ChecksumError(f"{_name(path)} is damaged or not a safetensors file ({why}). Restore or remake it.")


def _widen_header(path: Path) -> None:
    with path.open("rb") as file:
        _, header = _header(path, file)
        data = file.read()
    metadata = header.pop("__metadata__", {}) | {KEY: _BLANK}
    described = {"__metadata__": dict(sorted(metadata.items()))}  # the library's own order differs from call to call
    raw = json.dumps(described | header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)  # the data begin at a multiple of eight
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)


def _append(path: Path, before: bytes) -> None:
    with path.open("r+b") as file:
        if before is _COMMENT:
            _announce_comment(file, len(before) + _DIGITS)
        file.seek(0, 2)
        file.write(before + _BLANK.encode())


def _announce_comment(file: IO[bytes], length: int) -> None:
    """Write the length of a comment that is going to follow into a zip archive without one."""
    file.seek(max(file.seek(0, 2) - _ZIP_END, 0))
    if file.read(4) != b"PK\x05\x06":
        raise ValueError("expected a zip archive without a comment")
    file.seek(-2, 2)
    file.write(length.to_bytes(2, "little"))


def _name(path: Path) -> str:
    """Enough of a path to find the file within a run, and no more of this machine."""
    return "/".join(path.parts[-3:])
