"""What a request says about where it comes from and whom it means to reach: pure functions on hosts and origins.

A page that somebody else serves can point its own host name at this machine (DNS rebinding), or send requests and open
websockets from its own origin. Both show in the headers that a browser writes and no script can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

Headers = Iterable[tuple[bytes, bytes]]
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_FORWARDED = (b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip", b"true-client-ip")


@dataclass(frozen=True)
class Place:
    """A host as it is compared: a name in lower case, an address in its shortest form; and a port."""

    name: str
    port: int | None = None


def place(text: str) -> Place | None:
    """The host of a `Host` header or a setting; None where it is not simply a name or an address, with a port or none.

    >>> place("LocalHost.:8501"), place("[0:0::1]"), place("evil.org@localhost"), place("%6cocalhost")
    (Place(name='localhost', port=8501), Place(name='::1', port=None), None, None)
    """
    match = _HOST.fullmatch(text)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port or 0) > 65535:
        return None
    name = match["name"].lower()
    if name.startswith("["):
        address = as_address(name[1:-1])
        return Place(address, port) if address else None
    name = name.removesuffix(".")
    return Place(as_address(name) or name, port) if name else None


def as_address(text: str) -> str | None:
    """An address in its shortest form, an IPv4 address inside an IPv6 one as itself; None where it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def is_loopback(text: str | None) -> bool:
    """Whether an address or name is this machine's own."""
    if text is None:
        return False
    address = as_address(text.strip("[]"))
    return text.lower() == "localhost" if address is None else ip_address(address).is_loopback


def values(headers: Headers, name: bytes) -> list[str]:
    """Every value of a header."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def host(headers: Headers) -> Place | None:
    """Whom a request means to reach; None where it says so not at all, twice, or oddly."""
    hosts = values(headers, b"host")
    return place(hosts[0]) if len(hosts) == 1 else None


def forwarded(headers: Headers) -> bool:
    """Whether a proxy passed it on: it then comes from somewhere else than its peer."""
    return any(key.lower() in _FORWARDED or key.lower().startswith(b"x-forwarded") for key, _ in headers)


def same_origin(headers: Headers, asked: Place, scheme: str) -> bool:
    """Whether the page that sends a request, if one does, was served by the host that it asks.

    Args:
        headers: of the request.
        asked: what `host` gave.
        scheme: of the request; decides on the port where none is written.
    """
    origins = values(headers, b"origin")
    if not origins:
        return True  # no browser sends none with a websocket or a changing request
    origin = _origin(origins[0]) if len(origins) == 1 else None
    if origin is None or origin.name != asked.name:
        return False
    # A proxy may leave the port out; without one, another port of this host is another program's.
    return forwarded(headers) or origin.port == (asked.port or _PORTS[scheme])


def _origin(text: str) -> Place | None:
    """The host of an origin with its port; None for `null` and anything that is more than scheme, host and port."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or text.lower() != f"{parts.scheme}://{parts.netloc}".lower():
        return None
    origin = place(parts.netloc)
    return Place(origin.name, origin.port or _PORTS[parts.scheme]) if origin else None


def cookies(headers: Headers) -> Mapping[str, str]:
    """The cookies of a request; of two with one name the first."""
    jar: dict[str, str] = {}
    for text in values(headers, b"cookie"):
        for pair in text.split(";"):
            name, _, value = pair.partition("=")
            jar.setdefault(name.strip(), value.strip())
    return jar
