"""The two links of a shared server, one a role, and the cookies that they are exchanged for.

    home()/access/tokens.json    {"look": ..., "make": ...}, for its owner only

A cookie is `role.mark.signature`: a random mark, so that the record tells sessions apart, signed with the role's token.
It holds no secret of its own, and goes out of use with its token.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path

from cxrkd.access.roles import ROLES, Person, Role
from cxrkd.atomic import replacing
from cxrkd.errors import AccessError
from cxrkd.places import home

_BYTES, _MARK_BYTES = 32, 3
_LONGEST = 200


def tokens_file() -> Path:
    """Where they are kept."""
    return home() / "access" / "tokens.json"


def tokens(*, new: bool = False) -> dict[Role, str]:
    """The token of each role, made on the first call, and again where `new` says so.

    Raises:
        AccessError: they cannot be written.
    """
    known = {} if new else _read()
    if len(known) == len(ROLES):
        return known
    made: dict[Role, str] = {role: secrets.token_urlsafe(_BYTES) for role in ROLES}
    try:
        with replacing(tokens_file()) as part:
            part.write_text(json.dumps(made), encoding="utf-8")
    except OSError as error:
        raise AccessError(
            f"The links of this server cannot be kept in {tokens_file()} ({error.strerror or error}). Make the folder "
            "writable, or set CXRKD_HOME to another one."
        ) from error
    return made


def role_of(token: str) -> Role | None:
    """Whose token it is, compared in constant time; None where it is nobody's."""
    given = hashlib.sha256(token[:_LONGEST].encode("utf-8", "replace")).digest()
    match: Role | None = None
    for role, known in _read().items():
        if hmac.compare_digest(given, hashlib.sha256(known.encode()).digest()):
            match = role
    return match


def new_cookie(role: Role) -> str:
    """What a browser keeps instead of the token."""
    mark = secrets.token_hex(_MARK_BYTES)
    return f"{role}.{mark}.{_signature(tokens()[role], role, mark)}"


def person_of(cookie: str, address: str = "") -> Person | None:
    """Who a cookie was given to; None where it was not given by us, or its link was made new since."""
    parts = cookie[:_LONGEST].split(".")
    known = _read()
    if len(parts) != 3 or parts[0] not in known:
        return None
    role: Role = "make" if parts[0] == "make" else "look"
    right = hmac.compare_digest(parts[2].encode(), _signature(known[role], role, parts[1]).encode())
    return Person(role, parts[1], address) if right else None


def _signature(token: str, role: Role, mark: str) -> str:
    return hmac.new(token.encode(), f"{role}.{mark}".encode(), hashlib.sha256).hexdigest()


def _read() -> dict[Role, str]:
    """The tokens on disk; none where the file is missing or damaged, so that nobody comes in by half of it."""
    try:
        digests = json.loads(tokens_file().read_text(encoding="utf-8"))
        known: dict[Role, str] = {role: digests[role] for role in ROLES}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    whole = all(isinstance(token, str) and len(token) >= _BYTES for token in known.values())
    return known if whole else {}
