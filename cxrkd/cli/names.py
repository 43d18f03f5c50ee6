"""Names as people type them."""

from __future__ import annotations

from collections.abc import Sequence

from cxrkd.errors import ConfigError


def comma_separated(text: str) -> list[str]:
    """Split at commas.

    >>> comma_separated("teacher, distilled")
    ['teacher', 'distilled']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def find_label(labels: Sequence[str], asked: str) -> str:
    """The label that was meant; case and the choice of space, hyphen or underscore do not matter.

    >>> find_label(["Mass", "Pleural_Thickening"], "pleural thickening")
    'Pleural_Thickening'

    Raises:
        ConfigError: there is none, with the names there are.
    """
    by_key = {_key(label): label for label in labels}
    if _key(asked) not in by_key:
        raise ConfigError(f"Expected a label among {', '.join(labels)}, got {asked!r}.")
    return by_key[_key(asked)]


def _key(label: str) -> str:
    return label.strip().lower().replace(" ", "_").replace("-", "_")
