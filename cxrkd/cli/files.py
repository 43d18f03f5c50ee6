"""Files on disk: radiographs to read, results to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.errors import ConfigError

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
    from cxrkd.images.files import bytes_of, film_of

    return film_of(bytes_of(path), str(path), size)


def flagged(film: Film, *, force: bool) -> Failure | None:
    """Why a file that was read is not answered all the same; None where it is."""
    if force or film.gate is None or film.gate.passed:
        return None
    return Failure(film.name, f"{film.name}: {film.gate.reason} --force answers it anyway.", film.gate.to_dict())


def gate_line(gate: Verdict | None) -> list[str]:
    """What people read beside a flagged file that is answered anyway."""
    return [] if gate is None or gate.passed else [f"  WARNING: {gate.reason} Answered because of --force."]


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
