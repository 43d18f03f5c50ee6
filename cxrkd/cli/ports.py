"""Ports to listen on."""

from __future__ import annotations

import argparse
import socket

from cxrkd.errors import ConfigError


def port(text: str) -> int:
    """A port of the command line.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return int(text)


def refuse_taken(address: str, number: int, what: str) -> None:
    """Refuse an address where nothing can listen.

    Args:
        address: to listen on.
        number: the port.
        what: listens, to begin the sentence with.

    Raises:
        ConfigError: says why, and what to do.
    """
    try:
        family = socket.getaddrinfo(address, number, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what just ended is free
            probe.bind((address, number))
    except OSError as error:
        raise ConfigError(
            f"{what} cannot listen on port {number}: {(error.strerror or str(error)).lower()}. Expected a "
            f"free port; name another with --port, or see whether it runs there already: http://{address}:{number}"
        ) from error
