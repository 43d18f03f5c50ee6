"""Small JSON files of a run folder, written whole or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from cxrkd.atomic import replacing
from cxrkd.checksums import relist
from cxrkd.errors import RunError


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` in one step. NaN and infinity become null, which every JSON reader takes.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        with replacing(path) as part:
            part.write_text(json.dumps(_plain(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        relist(path)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        RunError: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent.name}: expected a file {path.name}, found none; the run is incomplete") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path.parent.name}: {path.name} cannot be read ({error}); the run is damaged") from error


def cannot_write(folder: Path, error: OSError) -> RunError:
    """The sentence for a full disk or a folder without permission."""
    reason = error.strerror or str(error)
    return RunError(f"cannot write to {folder} ({reason}). Free some space or set CXRKD_HOME to another folder.")


def _plain(value: Any) -> Any:
    """The same structure with non-finite floats as None and tuples as lists."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
