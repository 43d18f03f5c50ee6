"""Who may ask: somebody at this machine, or whoever has a token. ASGI middleware around the service.

A page of another site can make a browser at this machine send requests to it; such requests are refused by their host
and origin, which no script can change (`cxrkd.access.doorway`).
"""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxrkd.access import doorway, tokens

HEALTH = "/health"
WRONG_HOST = "This service does not answer under this host name. Ask 127.0.0.1, or send a token."
WRONG_ORIGIN = "This request was sent by a page of another site, which this service does not answer."
NO_TOKEN = (
    "This service asks other machines for a token: send the header `Authorization: Bearer TOKEN` with the one that its "
    "operator has given you."
)
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Guard:
    """Lets requests in or refuses them.

    Args:
        app: what is guarded.
        local: it listens to this machine only, so that whoever reaches it directly needs no token.
    """

    def __init__(self, app: ASGIApp, *, local: bool) -> None:
        self.app, self.local = app, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        refusal = None if scope["path"] == HEALTH else self._refusal(scope)
        if refusal is not None:
            return await _refuse(send, *refusal)
        await self.app(scope, receive, _guarded(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence; None for who may ask."""
        token = _bearer(scope)
        if token and tokens.role_of(token) is not None:
            return None
        headers, asked = scope["headers"], doorway.host(scope["headers"])
        ends = [str((scope.get(end) or ("",))[0]) for end in ("client", "server")]
        if token or not (self.local and all(map(doorway.is_loopback, ends)) and not doorway.forwarded(headers)):
            return 401, NO_TOKEN
        if asked is None or not doorway.is_loopback(asked.name):
            return 403, WRONG_HOST
        return None if doorway.same_origin(headers, asked, scope["scheme"]) else (403, WRONG_ORIGIN)


def _bearer(scope: Scope) -> str:
    kind, _, token = (doorway.values(scope["headers"], b"authorization") or [""])[0].partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail, "gate": None}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_ALWAYS]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _guarded(send: Send) -> Send:
    """Nothing that is answered is kept, framed or taken for something else."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_ALWAYS]}
        await send(message)

    return sent
