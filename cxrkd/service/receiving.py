"""A film on its way in: bounded in bytes, in time and in number, kept in memory and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from cxrkd.images.folders import HEAD, is_film
from cxrkd.images.kinds import describe
from cxrkd.images.read import ACCEPTED

MOST_BYTES = 100_000_000
"""50 megapixels of 16 bits, which is the most that is decoded."""
AT_ONCE = 8
"""Films that are taken at once, received ones among them: each may hold MOST_BYTES."""
BODY_S = 60.0
"""A film that comes slower than this makes place for others."""
RAW = "Send the file itself as the body of the request, such as curl --data-binary @film.png"


class Slots:
    """Places for films that are answered at once; used from one event loop.

    Args:
        at_most: places.
    """

    def __init__(self, at_most: int = AT_ONCE) -> None:
        self.at_most, self.taken = at_most, 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for as long as the block lasts.

        Raises:
            HTTPException: 429, all are taken.
        """
        if self.taken >= self.at_most:
            raise HTTPException(
                429,
                f"{self.taken} films are being answered, and no more are taken at once. Try again in a second.",
                {"Retry-After": "1"},
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def film_bytes(request: Request, most: int = MOST_BYTES, seconds: float = BODY_S) -> bytes:
    """The body of a request, which begins like a film.

    Raises:
        HTTPException: 413 too large, 415 something else than a film, 422 empty, 408 too slow, 400 broken off.
    """
    _require_raw(request)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            data = await _received(request, most)
    except TimeoutError:
        raise HTTPException(408, f"The film did not arrive within {seconds:g} s. Send it again.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The film was broken off before its end. Send it again.") from None
    if not data:
        raise HTTPException(422, f"The request has no film in it (0 bytes). {RAW}.")
    if not is_film(data[:HEAD], len(data)):
        what, todo = describe(data)
        raise HTTPException(415, f"The file is {what}. Expected a radiograph as {ACCEPTED}. {todo}.")
    return data


async def _received(request: Request, most: int) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


def _require_raw(request: Request) -> None:
    """Refuse forms, whose parsers put large files on the disk, and compressed bodies, which grow when they are read."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise HTTPException(415, f"The request has a compressed body, which is not read. {RAW}.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        raise HTTPException(415, f"The request is a form, which is not read. {RAW}.")


def _too_large(most: int) -> HTTPException:
    # The connection stays: closed while the rest is on its way, it would be reset, and the sentence lost with it.
    return HTTPException(
        413,
        f"The file has more than {most / 1e6:,.0f} MB, which are the most that is read. Send a single radiograph, or "
        "export it compressed.",
    )
