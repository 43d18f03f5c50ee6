"""The bytes of a film -> its answer, as the command line gives it; it is decoded in a process of its own."""

from __future__ import annotations

from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any

from fastapi import HTTPException

from cxrkd.errors import CxrkdError, ImageError, NotNowError
from cxrkd.images.files import film_of
from cxrkd.images.film import SHORT, Film
from cxrkd.plain import plain
from cxrkd.runs.panel import Panel
from cxrkd.runtime.cores import cores

NAME = "The film"


class FlaggedError(HTTPException):
    """A file that does not look like a frontal chest radiograph; `gate` is the verdict."""

    def __init__(self, gate: dict[str, Any], reason: str) -> None:
        super().__init__(422, f"{NAME}: {reason} Add ?force=true to have it answered anyway.")
        self.gate = gate


class Answering:
    """Answers films from any thread, as many at once as there are cores.

    Args:
        panel: the networks, which are loaded.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._size = panel.run.config.data.image_size
        self._turn = BoundedSemaphore(cores())

    def answer(self, data: bytes, force: bool) -> dict[str, Any]:
        """What `classify --json` says about a file, under a name that says nothing.

        Args:
            data: the whole file.
            force: answer it though the gate flags it.

        Raises:
            HTTPException: 422 it cannot be read, or is flagged; 500 the networks cannot answer; 503 no film can be read
                now.
        """
        film = _read(data, self._size)
        if film.gate is not None and film.flagged and not force:
            raise FlaggedError(film.gate.to_dict(), film.gate.reason)
        try:
            with self._turn:
                (answer,) = self.panel.answers([replace(film, name=film.sha256[:SHORT])])
        except CxrkdError as error:
            raise HTTPException(500, str(error)) from None
        return dict(plain(answer.to_dict()))


def _read(data: bytes, size: int) -> Film:
    try:
        return film_of(data, NAME, size, apart=True)
    except NotNowError as error:
        raise HTTPException(503, str(error), {"Retry-After": "10"}) from None
    except ImageError as error:
        raise HTTPException(422, str(error)) from None
    except CxrkdError as error:
        raise HTTPException(500, str(error)) from None
