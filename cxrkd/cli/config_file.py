"""A run's config as a file holds it: one that somebody wrote, or the `config.json` of a run; and as a run was told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cxrkd.errors import ConfigError


def read_config(path: Path) -> dict[str, Any]:
    """What a file says of a run, not yet checked.

    Raises:
        ConfigError: it cannot be read, is no JSON object, or a newer version wrote it.
    """
    from cxrkd.jobs.strict_json import parse_json
    from cxrkd.jobs.written import without_version
    from cxrkd.runs.run import CONFIG_VERSION

    try:
        document = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read {path} ({error.strerror}); expected a run's config as JSON.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON ({error}); expected the config.json of a run.") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds {type(document).__name__}; expected an object with a run's settings.")
    return without_version(document, CONFIG_VERSION, str(path))


def settings_of_run(name: str) -> dict[str, Any]:
    """What a run was told, all but its name.

    Args:
        name: its id or folder.

    Raises:
        RunError: there is no such run, or its config cannot be read.
    """
    from cxrkd.runs import open_run

    return open_run(name).config.model_dump(mode="json", exclude={"name"})
