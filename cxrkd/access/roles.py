"""Two roles: *look* reads, classifies, explains; *make* also trains, cancels, deletes, downloads, watches folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from cxrkd.errors import AccessError

Role = Literal["look", "make"]
ROLES: tuple[Role, ...] = ("look", "make")
EMAILS: dict[Role, str] = {"look": "CXRKD_LOOK_EMAILS", "make": "CXRKD_MAKE_EMAILS"}
"""Environment variables that name, with commas between them, who gets a role by signing in; `*@clinic.org` fits all."""
ONLY_LOOKS = (
    "This needs the role make, and this visit has the role look. Ask the operator of this server for the make link."
)


@dataclass(frozen=True)
class Person:
    """Who asks.

    Attributes:
        role: what is allowed. mark: a few letters that tell sessions of one link apart, "" on this machine.
        address: where the request came from. email: of who signed in, "" for who came by a link.
    """

    role: Role
    mark: str = ""
    address: str = ""
    email: str = ""

    def may(self, needed: Role) -> bool:
        """Whether the role includes another; make includes look."""
        return ROLES.index(self.role) >= ROLES.index(needed)

    def require(self, needed: Role) -> None:
        """Refuse who may not.

        Raises:
            AccessError: the role does not include `needed`.
        """
        if not self.may(needed):
            raise AccessError(ONLY_LOOKS)


THIS_MACHINE = Person("make", address="this machine")
"""Whoever sits at the machine that the server runs on, where it listens to nobody else."""


def role_of_email(email: str, settings: Mapping[str, str] = os.environ) -> Role | None:
    """The role of somebody who signed in; the larger one where both name them, None where neither does.

    >>> role_of_email("Ann@Clinic.org", {"CXRKD_MAKE_EMAILS": "bo@clinic.org", "CXRKD_LOOK_EMAILS": "*@clinic.org"})
    'look'
    """
    for role in reversed(ROLES):
        patterns = [one.strip().casefold() for one in settings.get(EMAILS[role], "").split(",")]
        if email and any(one and fnmatchcase(email.casefold(), one) for one in patterns):
            return role
    return None
