"""The one door of the dashboard: every request and every websocket passes it, files and uploads too.

It is ASGI middleware around Streamlit. It checks whom the request means to reach and which page sends it, finds out who
asks, and hands that on to the pages in a header that only this process can have written.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from cxrkd.access import doorway, tokens
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.dashboard.serving import closed_page

PERSON = b"x-cxrkd-person"
SEAL = secrets.token_hex(16)
"""Of this process: a header without it was not written by the door."""
HEALTH = "/_stcore/health"
SIGN_IN = ("/auth/login", "/auth/logout", "/oauth2callback")
WRONG_HOST = (
    "This dashboard does not answer under this host name: its operator names others with `cxrkd app --host NAME`."
)
WRONG_ORIGIN = "This request was sent by a page of another site, which this dashboard does not answer."
NO_TOKEN = "Open it with the link that its operator has given you."
OR_SIGN_IN = "Open it with the link that its operator has given you, or sign in."
WRONG_TOKEN = "This link is not valid any more: ask the operator of this dashboard for the present one."
_UNHEARD = ("clear_cache", "load_git_info", "set_run_on_save")  # messages of a developer's menu that change all visits
_ALWAYS = (
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
_FRESH = (b"cache-control", b"no-store")


@dataclass(frozen=True)
class Policy:
    """What the operator has decided.

    Attributes:
        local: it listens to this machine only, so that whoever reaches it directly needs no link.
        hosts: names and addresses under which it answers, besides this machine's own.
        base: path under which it is served, "" for the root.
        signed_in: cookies -> who has signed in, or None; None where nobody can.
        sign_in: gives the address that starts a sign-in.
    """

    local: bool = True
    hosts: frozenset[str] = frozenset()
    base: str = ""
    signed_in: Callable[[Mapping[str, str]], Person | None] | None = None
    sign_in: Callable[[], str] = field(default=lambda: "")

    def answers(self, asked: doorway.Place | None, scope: Scope) -> bool:
        """Whether we are called so: by our names, or by the very address that the connection came to."""
        own = (scope.get("server") or ("", 0))[0]
        if asked is None:
            return False
        known = doorway.is_loopback(asked.name) or asked.name in self.hosts
        return known or asked.name == doorway.as_address(str(own))


class Door:
    """ASGI middleware; `policy` is read for every request, because Streamlit's options are known only then."""

    def __init__(self, app: ASGIApp, policy: Callable[[], Policy]) -> None:
        self.app, self.policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        policy, headers = self.policy(), scope["headers"]
        path = str(scope["path"]).removeprefix(policy.base)
        if path == HEALTH and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        asked = doorway.host(headers)
        if asked is None or not path.startswith("/") or not policy.answers(asked, scope):
            return await _refuse(scope, send, 403, WRONG_HOST)
        if not doorway.same_origin(headers, asked, scope["scheme"]):
            return await _refuse(scope, send, 403, WRONG_ORIGIN)
        token = _token(scope)
        if token is not None and not _is_local(policy, scope):
            return await _exchange(scope, send, token)
        person = _person(policy, scope)
        if person is None and not (policy.signed_in and path in SIGN_IN):
            sign_in = policy.sign_in() if policy.signed_in else None
            return await _refuse(scope, send, 401, OR_SIGN_IN if sign_in else NO_TOKEN, sign_in)
        await self.app(_introduced(scope, person), _deaf(receive), _guarded(send))


def _is_local(policy: Policy, scope: Scope) -> bool:
    """Whether somebody at this machine asks, and no proxy for somebody else."""
    ends = [str((scope.get(end) or ("",))[0]) for end in ("client", "server")]
    return policy.local and all(map(doorway.is_loopback, ends)) and not doorway.forwarded(scope["headers"])


def _person(policy: Policy, scope: Scope) -> Person | None:
    """Who asks: somebody at this machine, with a cookie of ours, or signed in; None for nobody we know."""
    if _is_local(policy, scope):
        return THIS_MACHINE
    kept, address = doorway.cookies(scope["headers"]), str((scope.get("client") or ("",))[0])
    known = tokens.person_of(kept.get(_cookie_name(scope), ""), address)
    if known is None and policy.signed_in is not None:
        known = policy.signed_in(kept)
    return known


def _cookie_name(scope: Scope) -> str:
    """One a port: cookies do not tell ports apart, and two dashboards of one machine must not take each other's."""
    return f"cxrkd_{(scope.get('server') or ('', 0))[1]}"


def _token(scope: Scope) -> str | None:
    """The token of a link; only a page that is asked for carries one."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("token", [])), None)


async def _exchange(scope: Scope, send: Send, token: str) -> None:
    """A token for a cookie, and on to the address without it: it must stay in no history and no log."""
    role = tokens.role_of(token)
    if role is None:
        return await _refuse(scope, send, 403, WRONG_TOKEN)
    kept = [(name, value) for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name != "token"]
    onward = quote(scope["path"]) + (f"?{urlencode(kept)}" if kept else "")
    secure = "; Secure" if scope["scheme"] == "https" else ""
    cookie = f"{_cookie_name(scope)}={tokens.new_cookie(role)}; Path=/; HttpOnly; SameSite=Strict{secure}"
    # Two slashes would lead to another host.
    await _page(send, 200, closed_page.entered("/" + onward.lstrip("/")), (b"set-cookie", cookie.encode()))


async def _refuse(scope: Scope, send: Send, status: int, sentence: str, sign_in: str | None = None) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
        return
    await _page(send, status, closed_page.closed(sentence, sign_in))


async def _page(send: Send, status: int, text: str, *extra: tuple[bytes, bytes]) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode()), _FRESH]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *_ALWAYS, *extra]})
    await send({"type": "http.response.body", "body": body})


def _introduced(scope: Scope, person: Person | None) -> Scope:
    """The request with who asks, sealed; what the visitor wrote in that header is gone."""
    headers = [(key, value) for key, value in scope["headers"] if key.lower() != PERSON]
    if person is not None:
        cookie = doorway.cookies(headers).get(_cookie_name(scope), "") if person.mark else ""
        payload = base64.b64encode(json.dumps({**asdict(person), "cookie": cookie}).encode())
        headers.append((PERSON, SEAL.encode() + b"." + payload))
    return {**scope, "headers": headers}


def introduced(header: str) -> tuple[Person, str] | None:
    """Who asks, and by which cookie, as the door wrote it; None where the door did not write it."""
    seal, _, payload = header.partition(".")
    if not secrets.compare_digest(seal.encode("utf-8", "replace"), SEAL.encode()):
        return None
    document = json.loads(base64.b64decode(payload))
    cookie = document.pop("cookie")
    return Person(**document), cookie


def _deaf(receive: Receive) -> Receive:
    """Drop what a client must not make the server do to everybody."""

    async def heard() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or not _unheard(message.get("bytes")):
                return message

    return heard


def _unheard(data: bytes | None) -> bool:
    try:
        return data is not None and BackMsg.FromString(data).WhichOneof("type") in _UNHEARD
    except Exception:  # no message at all: Streamlit ends the connection
        return False


def _guarded(send: Send) -> Send:
    """Headers that keep foreign pages from framing ours, and links from going along with a click."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {key.lower() for key, _ in message.get("headers", [])}
            extra = [pair for pair in _ALWAYS if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return sent
