"""How the dashboard is served: the operator's settings, what stands before Streamlit, and what is said at the start."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from starlette.middleware import Middleware
from streamlit import auth_util, cli_util, config
from streamlit.web.server import server_util
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from cxrkd import private
from cxrkd.access import doorway, tokens
from cxrkd.access.roles import Person, role_of_email
from cxrkd.dashboard.background import in_background
from cxrkd.dashboard.serving.browser_door import BrowserDoor
from cxrkd.dashboard.serving.door import Door, Policy
from cxrkd.dashboard.serving.upload_door import UploadDoor

SHARE, HOSTS = "CXRKD_SHARE", "CXRKD_HOSTS"


def middleware() -> list[Middleware]:
    """What a request passes before Streamlit, outermost first."""
    return [Middleware(Door, policy=policy), Middleware(UploadDoor), Middleware(BrowserDoor)]


def policy() -> Policy:
    """The operator's settings as they are now: `server.address` and environment variables (SECURITY.md)."""
    address = config.get_option("server.address")
    local = not os.environ.get(SHARE) and doorway.is_loopback(address)
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    signs_in = not local and bool(auth_util.get_secrets_auth_section()) and _authlib()
    return Policy(
        local=local,
        hosts=frozenset(_hosts(address)),
        base=f"/{base}" if base else "",
        signed_in=_signed_in if signs_in else None,
        sign_in=_sign_in_address,
    )


@cache
def _authlib() -> bool:
    """Whether the package is there without which Streamlit cannot sign anybody in."""
    return bool(auth_util.is_authlib_installed())


def _hosts(address: str | None) -> set[str]:
    """The names that the operator has given, and the address that the server was told to listen on."""
    named = [*_named(), *(config.get_option("server.allowedHosts") or []), address or ""]
    places = [doorway.place(_ascii(name.rpartition("//")[2].strip("/ "))) for name in named if name.strip() != "*"]
    return {place.name for place in places if place is not None}


def _named() -> list[str]:
    """What `--host` named: hosts, or the addresses of a proxy."""
    return [name.strip() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]


def _ascii(name: str) -> str:
    """A name as browsers send it: `bücher.de` -> `xn--bcher-kva.de`; addresses of IPv6 in brackets."""
    if doorway.as_address(name) and ":" in name:
        return f"[{name}]"
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """While the server runs: files are its owner's, and whoever started it knows how to come in."""
    os.umask(0o077)
    private.close_home()
    in_background(_prepare_pages)
    now = policy()
    if not now.local:
        tokens.tokens()
        cli_util.print_to_cli("\n".join(links(now)))
    elif not config.get_option("server.headless"):
        cli_util.open_browser(server_util.get_url(server_util.get_display_address(config.get_option("server.address"))))
    yield


def _prepare_pages() -> None:
    """Import what pages need and read what the first one shows, while a browser is still opening it."""
    from cxrkd.dashboard.caching import ahead

    ahead.prepare_first_page()


def links(now: Policy) -> list[str]:
    """What is printed at the start of a server that others can reach."""
    known = tokens.tokens()
    bases = [name.rstrip("/") if "//" in name else _address(name, now.base) for name in _named()]
    first = (bases or [_address(_own_address(), now.base)])[0]
    unmet = bool(auth_util.get_secrets_auth_section()) and not _authlib()
    others = f"  It also answers as {', '.join(bases[1:])}." if bases[1:] else ""
    return [
        "",
        "  Give these links to whom you trust; a link is as good as a password:",
        f"    look  {first}/?token={known['look']}",
        f"    make  {first}/?token={known['make']}",
        *([others] if others else []),
        *(["  Nobody can sign in: [auth] in secrets.toml needs `pip install 'streamlit[auth]'`."] if unmet else []),
        "  New links, and old ones out of use: cxrkd app --share --new-links. Who made what: cxrkd record.",
        "",
    ]


def _address(host: str, base: str) -> str:
    port = config.get_option("browser.serverPort") if config.is_manually_set("browser.serverPort") else None
    shown = port or config.get_option("server.port")
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{shown}{base}"


def _own_address() -> str:
    """The address under which the network knows this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _sign_in_address() -> str:
    """What starts Streamlit's sign-in at the first provider of `[auth]`."""
    section = auth_util.get_secrets_auth_section()
    named = [name for name, value in section.items() if isinstance(value, Mapping)]
    provider = "default" if "client_id" in section or not named else str(named[0])
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"{f'/{base}' if base else ''}/auth/login?provider={auth_util.encode_provider_token(provider)}"


def _signed_in(cookies: Mapping[str, str]) -> Person | None:
    """Who has signed in, if the operator has named that e-mail; its provider must not say that it is unverified."""

    def one(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(server_util.get_cookie_secret(), name, value)

    cookie = auth_util.get_cookie_with_chunks(one, USER_COOKIE_NAME)
    claims = json.loads(cookie) if cookie else {}
    email = str(claims.get("email") or "") if claims.get("is_logged_in") else ""
    role = role_of_email(email) if claims.get("email_verified") is not False else None
    return None if role is None else Person(role, email=email)
