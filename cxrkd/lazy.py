"""Names of a package that cost an import only when somebody asks for them.

A list of networks or engines must not load torch. The package says in which of its files a name stands; type checkers
read the same names behind `TYPE_CHECKING`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(package: str, **modules: tuple[str, ...]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562) that imports the file which holds a name.

    Args:
        package: its name.
        modules: file -> names that it gives the package.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def look_up(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return look_up
