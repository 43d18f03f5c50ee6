"""Files on disk: radiographs to read, results to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.errors import ConfigError, ImageError

if TYPE_CHECKING:
    from cxrkd.images.film import Film
    from cxrkd.images.gate import Verdict


@dataclass(frozen=True)
class Failure:
    """A file that was not answered, and why; `gate` is the verdict of the radiograph gate where that is the reason."""

    name: str
    error: str
    gate: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def read_film(path: Path, size: int) -> Film:
    """Read a radiograph and bring it to the size of the networks.

    Raises:
        ImageError: it is not there, cannot be opened, or is not a radiograph we can read.
        GateError: the coefficients of the radiograph gate are missing or damaged.
    """
    from cxrkd.images.files import film_of

    return film_of(_bytes(path), str(path), size)


def flagged(film: Film, *, force: bool) -> Failure | None:
    """Why a file that was read is not answered all the same; None where it is."""
    if force or film.gate is None or film.gate.passed:
        return None
    return Failure(film.name, f"{film.name}: {film.gate.reason} --force answers it anyway.", film.gate.to_dict())


def gate_line(gate: Verdict | None) -> list[str]:
    """What people read beside a flagged file that is answered anyway."""
    return [] if gate is None or gate.passed else [f"  WARNING: {gate.reason} Answered because of --force."]


def _bytes(path: Path) -> bytes:
    """The content of a file, as far as one that is too large can be told from one that is not."""
    from cxrkd.images.limits import MAX_BYTES

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
