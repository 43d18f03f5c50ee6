"""`list`: what there is of everything that there are several of, from the registries."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report

if TYPE_CHECKING:
    from cxrkd.registry import Entry, Registry

REGISTRIES: dict[str, str] = {
    "networks": "cxrkd.models.network:NETWORKS",
    "objectives": "cxrkd.config.objective:OBJECTIVES",
    "readers": "cxrkd.config.data:READERS",
    "engines": "cxrkd.runtime.protocol:ENGINES",
    "explainers": "cxrkd.explain.explainer:EXPLAINERS",
    "jobs": "cxrkd.jobs.job:KINDS",
    "targets": "cxrkd.export.target:TARGETS",
}
"""What the registry's things are called -> module and name of the registry."""


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "list",
        parents=[common],
        help=f"what there is: {', '.join(REGISTRIES)}",
        description="A line for each: its name in configs and options, what it is, what it needs and where it comes "
        "from. `models` counts the parameters of networks.",
    )
    verb.add_argument("what", nargs="*", metavar="WHAT", help=f"among {', '.join(REGISTRIES)} (default: all)")
    verb.add_argument("--markdown", action="store_true", help="print tables of Markdown, as in the README")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """List what was asked for.

    Raises:
        ConfigError: there is no such registry.
    """
    entries = {what: list(registry(what).values()) for what in args.what or REGISTRIES}
    document = {what: [_document(entry) for entry in ones] for what, ones in entries.items()}
    draw = markdown if args.markdown else _plain
    blocks = ["\n".join(draw(what, ones)) for what, ones in entries.items()]
    return Report(document, "\n\n".join(blocks).splitlines())


def registry(what: str) -> Registry[Any]:
    """The registry of networks, engines and so on.

    Raises:
        ConfigError: there is no such registry; names those there are.
    """
    from cxrkd.errors import ConfigError
    from cxrkd.text import shown

    if what not in REGISTRIES:
        raise ConfigError(f"Expected something to list among {', '.join(REGISTRIES)}, got {shown(what)}.")
    module, _, name = REGISTRIES[what].partition(":")
    listed: Registry[Any] = getattr(import_module(module), name)
    return listed


def _document(entry: Entry) -> dict[str, Any]:
    names = ("name", "title", "sentence", "source", "needs")
    settings = list(entry.config.model_fields) if entry.config else []
    return {name: getattr(entry, name) for name in names} | {"settings": settings}


def _plain(what: str, entries: list[Entry]) -> list[str]:
    """A line for each thing, and one with what it needs and where it comes from."""
    width = max(len(entry.name) for entry in entries)
    lines = [f"{what}:"]
    for entry in entries:
        lines.append(f"  {entry.name:<{width}}  {entry.title}. {entry.sentence}")
        facts = [f"needs {', '.join(entry.needs)}"] * bool(entry.needs) + [entry.source] * bool(entry.source)
        lines += [f"  {'':<{width}}  {'; '.join(facts)}"] if facts else []
    return lines


def markdown(what: str, entries: list[Entry]) -> list[str]:
    """A table."""
    rows = [(f"`{e.name}`", f"**{e.title}**: {e.sentence}", ", ".join(e.needs), e.source) for e in entries]
    head = (what, "what it is", "needs", "source")
    return [f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows]]
