"""Files on disk: radiographs to read, results to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.errors import ConfigError, ImageError

if TYPE_CHECKING:
    from cxrkd.runs.answer import Input


def read_input(path: Path, size: int) -> Input:
    """Read a radiograph and bring it to the size of the networks.

    Raises:
        ImageError: it is not there, cannot be opened, or is not a radiograph we can read.
    """
    from cxrkd.images import read
    from cxrkd.runs.answer import from_radiograph

    return from_radiograph(read(_bytes(path), str(path)), size)


def _bytes(path: Path) -> bytes:
    """The content of a file, as far as one that is too large can be told from one that is not."""
    from cxrkd.images import MAX_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}; check the path.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path} is a folder; name the files in it, for example with a wildcard.") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be opened ({error.strerror}); check its permissions.") from error


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Make the folder of a file that is written inside the block.

    Raises:
        ConfigError: the file or its folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        raise ConfigError(f"Cannot write {path} ({error.strerror or error}); choose another place.") from error
