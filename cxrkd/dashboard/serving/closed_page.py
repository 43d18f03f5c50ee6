"""What the door shows instead of the dashboard: one sentence, in the visitor's light or dark, and nothing else."""

from __future__ import annotations

from html import escape
from string import Template

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cxrkd</title>$head
<style>
:root { --back: #fff; --text: #0f1820; --quiet: #5b6873; --edge: #d8e0e7; --accent: #1f6fa8; --on: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --back: #10171e; --text: #e3eaf0; --quiet: #a9b6c2; --edge: #2e3c48; --accent: #4a97d0; --on: #0b1117; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 1rem/1.55 Inter, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
main { max-width: 30rem; margin: 1.5rem; padding: 1.75rem 2rem; border: 1px solid var(--edge); border-radius: 8px; }
h1 { margin: 0 0 .6rem; font-size: 1.35rem; font-weight: 650; }
p { margin: 0; }
p + p { margin-top: 1.1rem; }
small { color: var(--quiet); font-size: .87rem; }
a { display: inline-block; padding: .45rem .95rem; border-radius: 8px; background: var(--accent); color: var(--on);
  text-decoration: none; }
</style>
</head>
<body><main><h1>$title</h1><p>$sentence</p>$more
<p><small>Research software. Not for clinical use.</small></p></main></body>
</html>
""")


def closed(sentence: str, sign_in: str | None = None) -> str:
    """The page of a request that may not enter; with a link where signing in may help."""
    more = "" if sign_in is None else f'<p><a href="{escape(sign_in)}">Sign in</a></p>'
    return _PAGE.substitute(title="This dashboard is closed", sentence=escape(sentence), head="", more=more)


def entered(address: str) -> str:
    """The page that leads on to the address without its token.

    A page and no redirect: a browser that was sent here by another site would not show a strict cookie to a redirect.
    """
    onward = (
        f'\n<meta name="referrer" content="no-referrer">\n<meta http-equiv="refresh" content="0;url={escape(address)}">'
    )
    return _PAGE.substitute(title="Welcome", sentence="One moment.", head=onward, more="")
