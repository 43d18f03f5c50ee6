"""`app`: the dashboard, served from this machine to its browser."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import Any, NoReturn

from cxrkd.errors import ConfigError
from cxrkd.places import APP

ADDRESS = "127.0.0.1"  # films stay on this machine unless somebody says otherwise
PORT = 8501  # Streamlit's own


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb. It answers in a browser, so of the common options only --debug means anything to it."""
    verb = verbs.add_parser("app", help="start the dashboard and open it in a browser; Ctrl-C ends it")
    verb.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"where it listens (default {PORT})")
    verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verb.add_argument(
        "streamlit",
        nargs="*",
        metavar="-- OPTION",
        help="handed to `streamlit run`, such as -- --server.headless true (opens no browser) or "
        f"-- --server.address 0.0.0.0 (serves other machines too; default {ADDRESS})",
    )
    verb.set_defaults(call=call, json=False)


def call(args: argparse.Namespace) -> NoReturn:
    """Become the server: signals and the exit code are then its own.

    Raises:
        ConfigError: nothing can listen on that port.
    """
    _refuse_taken(args.port)
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(APP)]  # -P: no module of the working directory
    command += ["--server.address", ADDRESS, "--server.port", str(args.port), *args.streamlit]
    os.execv(sys.executable, command)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return int(text)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: what just ended is free
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise ConfigError(
                f"The dashboard cannot listen on port {port}: {(error.strerror or str(error)).lower()}. Expected a "
                f"free port; name another with --port, or see whether it runs there already: http://{ADDRESS}:{port}"
            ) from error
