"""Names as people type them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from cxrkd.errors import ConfigError
from cxrkd.labels import label_key
from cxrkd.text import shown

_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)')


def comma_separated(text: str) -> list[str]:
    """Split at commas; a name that holds one stands in double quotes, as in CSV.

    >>> comma_separated("teacher, distilled")
    ['teacher', 'distilled']
    >>> comma_separated('"Mass, calcified", Hernia')
    ['Mass, calcified', 'Hernia']
    """
    names = (quoted.replace('""', '"') or plain for quoted, plain in _NAME.findall(text))
    return [name.strip() for name in names if name.strip()]


def find_label(labels: Sequence[str], asked: str) -> str:
    """The label that was meant; case and the choice of space, hyphen or underscore do not matter.

    >>> find_label(["Mass", "Pleural_Thickening"], "pleural thickening")
    'Pleural_Thickening'

    Raises:
        ConfigError: there is none, with the names there are.
    """
    by_key = {label_key(label): label for label in labels}
    if label_key(asked) not in by_key:
        raise ConfigError(
            f"Expected a label among {', '.join(map(_quoted, labels))}, got {shown(asked)}.{_hint(labels, asked)}"
        )
    return by_key[label_key(asked)]


def find_labels(labels: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The labels of lists such as "Mass,Hernia", each once, in the order asked for; a whole list may be one label.

    >>> find_labels(["Mass, calcified", "Mass", "Hernia"], ["Mass, calcified", "hernia,mass"])
    ['Mass, calcified', 'Hernia', 'Mass']

    Raises:
        ConfigError: there is no such label.
    """
    keys = {label_key(label) for label in labels}
    names = [name for text in asked for name in ([text] if label_key(text) in keys else comma_separated(text))]
    return list(dict.fromkeys(find_label(labels, name) for name in names))


def _quoted(label: str) -> str:
    return f'"{label}"' if "," in label else label


def _hint(labels: Sequence[str], asked: str) -> str:
    """What may have been meant."""
    cut = [label for label in labels if "," in label and label_key(asked) in map(label_key, label.split(","))]
    if cut:
        return f" A label that holds a comma stands in double quotes, within those of the shell: '\"{cut[0]}\"'."
    by_key = {label_key(label): label for label in labels}
    near = get_close_matches(label_key(asked), by_key, n=1)
    return f" Did you mean {_quoted(by_key[near[0]])}?" if near else ""
