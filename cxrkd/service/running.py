"""The service on a port of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import uvicorn

from cxrkd import private
from cxrkd.access import doorway
from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.images.apart import READING
from cxrkd.runs.panel import Panel
from cxrkd.service.app import service
from cxrkd.service.connection import Connection
from cxrkd.service.guard import Guard

CONNECTIONS = 64
"""Connections at once; more are refused by the server itself, with 503 and no document."""
ENDING_S = 5
"""Films that are being answered have so long when it ends; one that is still on its way is not waited for."""


def run_service(panel: Panel, standings: Mapping[Member, Standing], host: str, port: int) -> None:
    """Answer until it is stopped. Nothing about requests is logged.

    Args:
        panel: the networks; each call of one takes one thread, since several films are answered at once.
        standings: how far each can be relied on.
        host: address to listen on; other machines need a token where it is not this machine's own.
        port: to listen on.
    """
    import torch

    torch.set_num_threads(1)
    READING.start()
    # Whom a proxy speaks for is asked of its headers by the guard.
    config = uvicorn.Config(
        Guard(service(panel, standings), local=doorway.is_loopback(host)),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        http=Connection,
        timeout_graceful_shutdown=ENDING_S,
        ws="none",
    )
    with private.owner_only(), suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()
