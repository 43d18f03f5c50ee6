"""`app`: the dashboard, served from this machine to its browser; with --share to others too, by a link."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from cxrkd.cli.ports import port, refuse_taken
from cxrkd.errors import ConfigError
from cxrkd.places import APP, isolated_environment

ADDRESS, EVERY = "127.0.0.1", "0.0.0.0"  # films stay on this machine unless somebody says otherwise
PORT = 8501  # Streamlit's own
# `streamlit run`, but Ctrl-C ends it without a complaint: its server raises the signal once more when all is closed.
LAUNCH = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(0)); "
LAUNCH += "from streamlit.web.cli import main; main(prog_name='streamlit')"
# Streamlit's greeting asks a machine of others for this one's address; the links are greeting enough.
SHARED = ("--server.headless", "true", "--logger.hideWelcomeMessage", "true")


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb. It answers in a browser, so of the common options only --debug means anything to it."""
    verb = verbs.add_parser("app", help="start the dashboard and open it in a browser; Ctrl-C ends it")
    verb.add_argument("--port", type=port, default=PORT, metavar="N", help=f"where it listens (default {PORT})")
    verb.add_argument(
        "--data", type=Path, action="append", default=[], metavar="DIR", help="a folder of images that pages may read"
    )
    share = verb.add_argument_group("other machines (SECURITY.md says what to think of)")
    share.add_argument("--share", action="store_true", help="serve them too; prints a link to look and one to make")
    share.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="what it is reached by, such as films.clinic.org or, behind a proxy, https://films.clinic.org",
    )
    share.add_argument("--new-links", action="store_true", help="make new links; the old ones open nothing any more")
    verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verb.add_argument(
        "streamlit",
        nargs="*",
        metavar="-- OPTION",
        help="handed to `streamlit run`, such as -- --server.headless true (opens no browser) or "
        f"-- --server.address {ADDRESS} (behind a proxy of this machine, with --share)",
    )
    verb.set_defaults(call=call, json=False)


def call(args: argparse.Namespace) -> NoReturn:
    """Become the server: signals and the exit code are then its own.

    Raises:
        ConfigError: nothing can listen on that port, or a folder of --data is not there.
        AccessError: the links cannot be kept.
    """
    refuse_taken(ADDRESS, args.port, "The dashboard")
    _tell_server(args)
    if args.share or args.new_links:
        from cxrkd.access.tokens import tokens  # pydantic, which --help need not wait for

        tokens(new=args.new_links)
    address = EVERY if args.share else ADDRESS
    command = [sys.executable, "-P", "-c", LAUNCH, "run", str(APP)]  # -P: no module of the working directory
    command += ["--server.address", address, "--server.port", str(args.port)]
    command += [*(SHARED if args.share else []), *args.streamlit]
    os.execve(sys.executable, command, isolated_environment())


def _tell_server(args: argparse.Namespace) -> None:
    """Hand on what is no option of Streamlit's, in the environment."""
    missing = next((folder for folder in args.data if not folder.is_dir()), None)
    if missing is not None:
        raise ConfigError(f"--data: expected a folder that is there, got {missing}. Check the path.")
    for name, given, between in (
        ("CXRKD_DATA", [str(folder.resolve()) for folder in args.data], os.pathsep),
        ("CXRKD_HOSTS", args.host, ","),
        ("CXRKD_SHARE", ["1"] if args.share else [], ""),
    ):
        if given:
            os.environ[name] = between.join([*filter(None, [os.environ.get(name) if between else None]), *given])
