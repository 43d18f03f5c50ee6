"""ASGI middleware before Streamlit: the apps for a visitor's browser, as plain files under an address of their own.

It stands behind the door, so that whoever may see the dashboard may see these. Streamlit serves static files too, but
not under types that browsers run as scripts.
"""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "in-browser"
# Wherever a base path puts it: .../in-browser/KEY/FILE.
PLACE = re.compile(rf"/{PREFIX}/(?P<key>[0-9a-f]{{32}})(?P<file>/.*)?$")
NOTHING = "There is no such file."
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def address(base: str, key: str) -> str:
    """Where an app is served: a path of this server.

    Args:
        base: path under which the dashboard is served, "" for the root.
        key: of the app, see `cxrkd.export.exported`.
    """
    return f"{'/' if base else ''}{base.strip('/')}/{PREFIX}/{key}/"


class BrowserDoor:
    """Wraps the app of Streamlit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what asks for a file of an app; let everything else through."""
        match = PLACE.search(scope["path"]) if scope["type"] == "http" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        response = await _response(match["key"], match["file"], scope)
        await response(scope, receive, send)


async def _response(key: str, file: str | None, scope: Scope) -> Response:
    if not file:  # relative addresses in the page want the slash
        return RedirectResponse(f"/{scope['path'].strip('/')}/")  # two slashes before it would lead to another host
    from cxrkd.export.exported import folder_of_apps  # with numpy, which nobody waits for before the port is open

    files = StaticFiles(directory=folder_of_apps() / key, check_dir=False)
    try:
        response = await files.get_response(file.strip("/") or "index.html", scope)
    except HTTPException as error:
        return PlainTextResponse(NOTHING, error.status_code)
    except OSError:  # a link that leads to itself, a folder that is being replaced
        return PlainTextResponse(NOTHING, 404)
    if isinstance(response, FileResponse):
        kind = TYPES.get(f".{str(response.path).rpartition('.')[2]}", "application/octet-stream")
        response.headers["content-type"] = kind
        response.headers["cache-control"] = "no-cache"  # asked again each time, and sent only if it is another one
    return response
