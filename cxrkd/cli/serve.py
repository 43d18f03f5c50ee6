"""`serve`: answers over HTTP, for programs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cxrkd.cli.options import add_run_options
from cxrkd.cli.output import Report, Ticker
from cxrkd.cli.ports import port, refuse_taken

ADDRESS, PORT = "127.0.0.1", 8080


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "serve",
        parents=[common],
        help="answer films over HTTP, for programs that integrate it; Ctrl-C ends it",
        description="POST /classify takes one film as the body of the request and answers what `classify --json` says "
        "of it; GET /labels, /health and /openapi.json tell the rest, and / shows it to people. It listens to this "
        "machine only; with another --host, whoever asks needs a token, which is printed when it starts.",
    )
    verb.add_argument("--host", default=ADDRESS, metavar="ADDRESS", help=f"where it listens (default {ADDRESS})")
    verb.add_argument("--port", type=port, default=PORT, metavar="N", help=f"default {PORT}")
    add_run_options(verb, "teacher and distilled student")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Load the networks once, and answer until it is stopped.

    Raises:
        ConfigError: nothing can listen there.
        AccessError: the tokens cannot be kept.
    """
    from cxrkd.runs.choosing import choose_both, choose_run
    from cxrkd.runs.panel import panel_of
    from cxrkd.runs.standing import standing
    from cxrkd.runtime.compute import THREADS
    from cxrkd.service.running import run_service

    refuse_taken(args.host, args.port, "The service")
    ticker = Ticker()
    run = choose_run(args.run, for_films=True)
    members = choose_both(run, args.members)
    ticker.tell("loading the networks; the first time, the fastest engine of this machine is found")
    panel = panel_of(run, members, args.engine, THREADS)
    ticker.clear()
    for line in _greeting(args.host, args.port, run.id):
        print(line, file=sys.stderr, flush=True)
    run_service(panel, {member: standing(run, member) for member in members}, args.host, args.port)
    return Report({"run": run.id, "stopped": True}, ["Stopped."])


def _greeting(host: str, number: int, run: str) -> list[str]:
    """Where it is and, for other machines, by which token they may ask."""
    from cxrkd.access import doorway, tokens

    place = f"[{host}]" if ":" in host else host
    lines = [f"{run} answers at http://{place}:{number} (POST /classify); Ctrl-C ends it."]
    if not doorway.is_loopback(host):
        lines += [
            "Other machines can reach it. Whoever asks sends a token, which is as good as a password:",
            f"    Authorization: Bearer {tokens.tokens()['look']}",
            "Without TLS it can be read on the way: put a proxy before it (SECURITY.md).",
        ]
    return lines
