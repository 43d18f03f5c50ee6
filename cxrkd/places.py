"""Where the files lie that are no code: the dashboard's scripts, and what they and the networks are given.

In a checkout they stand beside the package, where a newcomer looks for them; a wheel carries them inside it
(`pyproject.toml`), since beside it would be everybody's `site-packages`.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def site(package: Path = PACKAGE) -> Path:
    """The folder that holds `app.py`, `pages/`, `assets/` and `.streamlit/`: of the wheel, else of the checkout."""
    carried = package / "_site"
    return carried if carried.is_dir() else package.parent


SITE = site()
APP = SITE / "app.py"
ASSETS = SITE / "assets"
CHECKOUT = None if SITE.is_relative_to(PACKAGE) else SITE
"""The source tree this package runs from; None where it was installed from a wheel."""
