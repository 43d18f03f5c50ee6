"""One report in its two forms: a JSON document, and an HTML page that holds all it shows.

The page asks nobody for anything: pictures are `data:` URIs, there is no script, and a policy in its head forbids what
is forgotten here. Whatever comes from outside (labels, names) is escaped where it is filled in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cxrkd.errors import ConfigError
from cxrkd.places import PACKAGE
from cxrkd.plain import plain
from cxrkd.text import shown

HTML, JSON = ".html", ".json"
ENDINGS = (HTML, JSON)
MIME = {HTML: "text/html", JSON: "application/json"}
_TEMPLATES = Environment(
    loader=FileSystemLoader(PACKAGE / "report" / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Table:
    """Cells as text, the first column to the left; `strong` rows stand out."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Sheet:
    """A report.

    Attributes:
        document: everything, for JSON.
        template: of the page.
        content: what the template shows beside the document: tables as text, pictures.
    """

    document: dict[str, Any]
    template: str
    content: Mapping[str, Any] = field(repr=False)

    def text(self, ending: str) -> str:
        """The report as one of ENDINGS."""
        return self.html() if ending == HTML else self.json()

    def json(self) -> str:
        """As JSON; NaN is null."""
        return json.dumps(plain(self.document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def html(self) -> str:
        """As a page."""
        return _TEMPLATES.get_template(self.template).render(document=plain(self.document), **self.content)


def ending_of(path: Path) -> str:
    """Which form a file asks for by its name.

    Raises:
        ConfigError: neither.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ConfigError(f"--report: expected a file that ends in .html or .json, got {shown(path.name)}.")
    return ending
