"""Where the files lie that are no code: the dashboard's scripts, and what they and the networks are given.

In a checkout they stand beside the package, where a newcomer looks for them; a wheel carries them inside it
(`pyproject.toml`), since beside it would be everybody's `site-packages`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def site(package: Path = PACKAGE) -> Path:
    """The folder that holds `app.py`, `pages/`, `assets/` and `.streamlit/`: of the wheel, else of the checkout."""
    carried = package / "_site"
    return carried if carried.is_dir() else package.parent


SITE = site()
APP = SITE / "app.py"
ASSETS = SITE / "assets"
SAMPLES = ASSETS / "samples"
"""A few real films, which may be shown to anybody."""

CHECKOUT = None if SITE.is_relative_to(PACKAGE) else SITE
"""The source tree this package runs from; None where it was installed from a wheel."""


def module_path() -> str:
    """Where Python finds this package, for a child's PYTHONPATH; empty of an installed one, which it finds anyway.

    site-packages on that path would come before the standard library.
    """
    return str(CHECKOUT or "")


def isolated_python() -> list[str]:
    """How a Python of ours is started: no module is taken from its working directory, whatever lies there."""
    return [sys.executable, "-P"]


def isolated_environment() -> dict[str, str]:
    """The environment of `isolated_python`, and of the Pythons that it starts in turn.

    Of PYTHONPATH only absolute entries are handed on: an empty or relative one means the working directory again.
    """
    asked = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [module_path(), *(entry for entry in asked if os.path.isabs(entry))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, kept)), "PYTHONSAFEPATH": "1"}


def home() -> Path:
    """The folder for runs and caches made on this machine: `$CXRKD_HOME`, else `~/.cxrkd`."""
    return Path(os.environ.get("CXRKD_HOME") or Path.home() / ".cxrkd")
