"""ASGI middleware before Streamlit's upload endpoint: a file that there is no room for never enters the memory.

Streamlit bounds one file (`server.maxUploadSize`), not how many of them a visitor or all visitors leave here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxrkd.dashboard import session
from cxrkd.dashboard.serving.uploads import Held, held, no_room

# Wherever a base path puts it: .../_stcore/upload_file/SESSION/FILE.
ENDPOINT = re.compile(r"/_stcore/upload_file/(?P<visitor>[^/]+)/[^/]+$")
TOO_LARGE = 413
# What a form's boundaries add to a file, which is no part of it.
FORM = 1024


@dataclass(eq=False)
class Coming:
    """A file on its way.

    Attributes:
        visitor: whose it is.
        size: bytes that it was announced with, or more where more have come.
        refused: there is no room for it; whatever the app still answers, it is not sent.
    """

    visitor: str
    size: int
    refused: bool = False


class NoRoomError(Exception):
    """More has come than there is room for; ends the reading of the request."""


class UploadDoor:
    """Wraps the app of Streamlit.

    Args:
        app: what answers everything that is let through.
        holds: what is held now, by visitor; by default in this process.
    """

    def __init__(self, app: ASGIApp, holds: Callable[[], Held] = held) -> None:
        self._app, self._holds = app, holds
        self._coming: dict[int, Coming] = {}

    @property
    def coming(self) -> Collection[Coming]:
        """Files on their way."""
        return self._coming.values()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer an upload with one sentence and 413."""
        match = ENDPOINT.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        file = Coming(match["visitor"], _announced(scope))
        self._coming[id(file)] = file
        try:
            self._check(file)
            await self._app(scope, self._counted(file, receive), self._settled(file, send))
        except NoRoomError as error:
            _remember(file.visitor, str(error))
            await _refuse(send, str(error))
        finally:
            self._coming.pop(id(file), None)

    def _check(self, file: Coming) -> None:
        coming = [(other.visitor, other.size) for other in self.coming if other is not file]
        sentence = no_room(file.visitor, [*coming, (file.visitor, file.size)], self._holds())
        if sentence:
            file.refused = True
            raise NoRoomError(sentence)

    def _counted(self, file: Coming, receive: Receive) -> Receive:
        """The stream of a request, which may be longer than announced, or not announced at all."""
        came = -FORM

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > file.size:
                file.size = came
                self._check(file)
            return message

        return counted

    def _settled(self, file: Coming, send: Send) -> Send:
        """Once there is an answer the file lies in Streamlit's store, or nowhere: it is not on its way any more."""

        async def settled(message: Message) -> None:
            self._coming.pop(id(file), None)
            if not file.refused:
                await send(message)

        return settled


def _announced(scope: Scope) -> int:
    """Bytes of the file by the request's header; 0 where it says nothing that can be read."""
    given = dict(scope["headers"]).get(b"content-length", b"")
    return max(int(given) - FORM, 0) if given.isdigit() else 0


def _remember(visitor: str, sentence: str) -> None:
    """For the page: the browser shows that a file was refused, not why."""
    chosen = session.everyone().get(visitor)
    if chosen is not None:
        chosen.not_taken = sentence


async def _refuse(send: Send, sentence: str) -> None:
    body = sentence.encode()
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": TOO_LARGE, "headers": kind})
    await send({"type": "http.response.body", "body": body})
