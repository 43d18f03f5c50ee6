"""The figures of the campaign: kept in docs/reliability.json, told in docs/reliability.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from tests.campaign.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
FIGURES, TEXT = ROOT / "docs" / "reliability.json", ROOT / "docs" / "reliability.md"
HEAD = """# Reliability

What a server that is left on was put through, and what came of it. `python -m tests.campaign --full --write` measures
everything again and writes this page; `--only PART` one part of it. CI runs small sizes of the same parts.
"""


def lines(title: str, found: Outcome, seconds: float) -> list[str]:
    """A part for people."""
    if found.skipped:
        return [f"{title}: not done: {found.skipped}"]
    shown = [f"  {name}: {_number(value)}" for name, value in found.figures.items()]
    verdict = f"{len(found.faults)} faults" if found.faults else "no fault"
    return [f"{title}: {verdict}, {seconds:.0f} s", *shown, *(f"  FAULT: {fault}" for fault in found.faults)]


def keep(name: str, part: ModuleType, found: Outcome, seconds: float, command: str) -> None:
    """Put a part's figures in the place of those it had; a part that could not be done keeps what it had."""
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if not found.skipped or name not in kept:
        kept[name] = {
            "title": part.TITLE,
            "about": " ".join((part.__doc__ or "").split()),
            "figures": found.figures,
            "faults": found.faults,
            "skipped": found.skipped,
            "seconds": round(seconds),
            "made": made(command),
        }
    FIGURES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    TEXT.write_text(text(kept))


def made(command: str) -> dict[str, str]:
    """How, of what, where and when."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return {"command": command, "commit": commit or "unknown", "machine": machine, "date": date}


def text(kept: dict[str, dict]) -> str:
    """The page."""
    return "\n".join([HEAD, *(line for part in kept.values() for line in _section(part))])


def _section(part: dict) -> list[str]:
    made = part["made"]
    how = f"`{made['command']}` at {made['commit']} on {made['date']}; {made['machine']}; {part['seconds']} s."
    if part["skipped"]:
        return [f"## {part['title']}\n", f"{part['about']}\n", f"Not done: {part['skipped']}\n", f"{how}\n"]
    rows = ["| | |", "| --- | --- |", *(f"| {name} | {_number(value)} |" for name, value in part["figures"].items())]
    faults = [f"- {fault}" for fault in part["faults"]] or ["No fault was found."]
    return [f"## {part['title']}\n", f"{part['about']}\n", *rows, "", *faults, "", f"{how}\n"]


def _number(value: object) -> str:
    return f"{value:,.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
