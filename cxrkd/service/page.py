"""The one page of the service: what can be asked, for people, out of its OpenAPI document. It fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow:auto;padding:.8rem;border:1px solid #8886}"
    "table{border-collapse:collapse}td{padding:.2rem .8rem .2rem 0;vertical-align:top}h2{font-size:1.1rem}"
)


def page(document: Mapping[str, Any], address: str) -> str:
    """HTML of an OpenAPI document.

    Args:
        document: as `FastAPI.openapi` gives it.
        address: of the service, such as http://127.0.0.1:8080.
    """
    info, example = document["info"], f"curl --data-binary @film.png {address}/classify"
    body = "".join(
        part
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        for part in _operation(path, method, one)
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p><pre>{escape(example)}</pre>"
        f'<p>For tools: <a href="openapi.json">openapi.json</a></p>{body}</html>'
    )


def _operation(path: str, method: str, one: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(one.get('description', ''))}</p><table>"
    for parameter in one.get("parameters", ()):
        yield f"<tr><td><code>?{escape(parameter['name'])}</code><td>{escape(parameter.get('description', ''))}"
    for status, response in one["responses"].items():
        yield f"<tr><td>{status}<td>{escape(response['description'])}"
    yield "</table>"
