"""How long a visitor waits: pages, answers and maps, in Chromium, of a fresh server; several source trees in turns.

    python -m tests.browser.timings                              # this tree
    python -m tests.browser.timings --tree OLD --tree . --repeat 3 --json timings.json

Every round starts servers of each tree in turn, in a home of their own, so that all share what else the machine does.
A figure is seconds as a visitor sees them and, beside it, seconds of CPU that the server and its children took.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tests.browser.conftest import CHROMIUM, FLAGS, ROOT

PATIENCE_S = 240.0
CALM_S = 0.5
# Of the page that is open: its heading, what stands on it, and whether its script runs. A calm moment is not the end: a
# script may start another, so the page is settled where it was calm for a while; the time is that when calm began.
LOOK = """
async ([heading, needed, settled, calm, patience]) => {
  const visible = (css) => [...document.querySelectorAll(css)].some((node) => node.getClientRects().length > 0);
  const running = () => visible('[data-testid="stSpinner"], [data-testid="stSkeleton"], [data-stale="true"]')
    || (document.querySelector('[data-testid="stApp"]')?.dataset ?? {}).testScriptState !== 'notRunning';
  const title = () => [...document.querySelectorAll('h1')].some((h1) => !heading || h1.textContent.trim() === heading);
  const end = Date.now() + 1000 * patience;
  let since = null;
  while (Date.now() < end) {
    const now = Date.now();
    const there = title() && needed.every(visible) && !(settled && running());
    since = there ? (since ?? now) : null;
    if (there && (!settled || now - since >= 1000 * calm)) return since / 1000;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${heading}: not there after ${patience} s`);
}
"""
FIGURES = ('[data-testid="stMetricValue"]', ".js-plotly-plot .main-svg")
ANSWER = (".js-plotly-plot .main-svg", '[data-testid="stMain"] h2')
MAP = (".js-plotly-plot image",)
WHOLE = (*MAP, '[data-testid="stExpander"]')
HEADINGS = {"Overview": "Chest X-ray distillation"}


class Took(NamedTuple):
    """What one step took, in seconds."""

    wall: float
    cpu: float


class Server(NamedTuple):
    """A running dashboard, and the time at which it was started."""

    pid: int
    address: str
    started: float


@contextmanager
def fresh(tree: Path) -> Iterator[Server]:
    """A server of a source tree that has never run in this home; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, open(Path(home, "server.log"), "wb") as log:
        env = {**os.environ, "PYTHONPATH": str(tree), "CXRKD_HOME": str(Path(home, "home"))}
        command = [sys.executable, "-P", "-m", "cxrkd", "app", "--port", str(port), "--", "--server.headless", "true"]
        started = time.time()
        server = subprocess.Popen(command, cwd=tree, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for_port(port, server)
            yield Server(server.pid, f"http://127.0.0.1:{port}", started)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.time() + PATIENCE_S
    while time.time() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server does not listen")


def cpu(server: Server) -> float:
    """Seconds of CPU of the server's session: its process, its children and those of them that ended (Linux)."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            values = file.read_text().rpartition(")")[2].split()
            ticks += sum(map(int, values[11:15])) if int(values[3]) == server.pid else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def look(page, heading: str, *needed: str, settled: bool) -> float:
    """The time at which the page stood, or was settled."""
    page.wait_for_selector("h1", state="attached", timeout=1000 * PATIENCE_S)
    return page.evaluate(LOOK, [heading, list(needed), settled, CALM_S, PATIENCE_S])


def first_page(page, server: Server) -> dict[str, Took]:
    """From the start of the server to its first page, with figures, and until it is settled."""
    page.goto(server.address, wait_until="commit")
    standing = Took(look(page, HEADINGS["Overview"], *FIGURES, settled=False) - server.started, cpu(server))
    settled = Took(look(page, HEADINGS["Overview"], *FIGURES, settled=True) - server.started, cpu(server))
    return {"first page stands": standing, "first page settled": settled}


def switch(page, server: Server, title: str) -> Took:
    """A click in the sidebar, until the other page is settled."""
    used, clicked = cpu(server), time.time()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    return Took(look(page, HEADINGS.get(title, title), settled=True) - clicked, cpu(server) - used)


def switches(page, server: Server) -> dict[str, Took]:
    """Every page, in the order of the sidebar: as each is opened first, and again."""
    links = page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()
    titles = [text.strip().splitlines()[-1] for text in links]
    order = [*titles[1:], titles[0]]
    rounds = {"first": order, "again": order}
    return {f"{title}, {name}": switch(page, server, title) for name, each in rounds.items() for title in each}


def upload(page, server: Server, title: str) -> tuple[float, float]:
    """A film of ours in the upload box of a page; the time, and the CPU used by then."""
    switch(page, server, title)
    page.get_by_role("radio", name="Uploads").or_(page.get_by_role("button", name="Uploads")).first.click()
    box = page.locator('input[type="file"]')
    box.wait_for(state="attached", timeout=1000 * PATIENCE_S)
    used, at = cpu(server), time.time()
    box.set_input_files([{"name": "timed.png", "mimeType": "image/png", "buffer": film()}])
    page.get_by_role("heading", name="timed.png").wait_for(timeout=1000 * PATIENCE_S)
    return at, used


def film() -> bytes:
    """A radiograph that nobody has: a phantom, as PNG."""
    from cxrkd.data.phantom import render

    buffer = io.BytesIO()
    Image.fromarray(render(11, 4, 0, 512).pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def visit_pages(page, server: Server, reading_s: float) -> dict[str, Took]:
    """One visit: the first page, and every other."""
    first = first_page(page, server)
    page.wait_for_timeout(1000 * reading_s)
    return first | switches(page, server)


def visit_classify(page, server: Server, reading_s: float) -> dict[str, Took]:
    """One visit that wants an answer as soon as it can be had."""
    first_page(page, server)
    page.wait_for_timeout(1000 * reading_s)
    at, used = upload(page, server, "Classify")
    answered = look(page, "Classify", *ANSWER, settled=False)
    spent = cpu(server)
    return {
        "upload to answer": Took(answered - at, spent - used),
        "server's start to answer": Took(answered - server.started, spent),
    }


def visit_explain(page, server: Server, reading_s: float) -> dict[str, Took]:
    """One visit that wants maps as soon as they can be had."""
    first_page(page, server)
    page.wait_for_timeout(1000 * reading_s)
    at, used = upload(page, server, "Explain")
    seen = Took(look(page, "Explain", *MAP, settled=False) - at, cpu(server) - used)
    whole = Took(look(page, "Explain", *WHOLE, settled=True) - at, cpu(server) - used)
    return {"upload to map": seen, "upload to whole explanation": whole}


VISITS = {"pages": visit_pages, "classify": visit_classify, "explain": visit_explain}


def measure(browser, tree: Path, visits: list[str], reading_s: float = 0.0) -> dict[str, Took]:
    """Every visit once, each of a server of its own."""
    taken: dict[str, Took] = {}
    for name in visits:
        with fresh(tree) as server:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(1000 * PATIENCE_S)
            steps = VISITS[name](page, server, reading_s)
            page.close()
        for step, took in steps.items():
            print(f"{tree.name}: {step}: {took.wall:.2f} s, {took.cpu:.1f} s of CPU", file=sys.stderr)
        taken |= steps
    return taken


def table(rounds: list[list[dict[str, Took]]], names: list[str]) -> str:
    """A row a step: seconds and CPU seconds of each tree, medians over the rounds, and old over new."""
    head = "".join(f"{name[-14:]:>16}" for name in names)
    lines = [f"{'seconds (CPU seconds)':32}{head}{'ratio' if len(names) > 1 else '':>9}"]
    for step in rounds[0][0]:
        medians = [_median([each[index][step] for each in rounds]) for index in range(len(names))]
        cells = "".join(f"{f'{one.wall:.2f} ({one.cpu:.1f})':>16}" for one in medians)
        ratio = f"{medians[0].wall / medians[-1].wall:8.1f}x" if len(names) > 1 else ""
        lines.append(f"{step:32}{cells}{ratio}")
    return "\n".join(lines)


def _median(taken: list[Took]) -> Took:
    return Took(statistics.median(t.wall for t in taken), statistics.median(t.cpu for t in taken))


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, action="append", help="a source tree; this one by default")
    parser.add_argument("--visit", choices=VISITS, action="append", help="only this one; all by default")
    parser.add_argument("--read", type=float, default=0.0, metavar="S", help="seconds on the first page (default 0)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="rounds; medians are printed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure of every round")
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers end with us
    trees = [tree.resolve() for tree in args.tree or [ROOT]]
    rounds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(args.repeat):
            rounds.append([measure(browser, tree, args.visit or list(VISITS), args.read) for tree in trees])
        browser.close()
    if args.json:
        args.json.write_text(json.dumps({"trees": [tree.name for tree in trees], "rounds": rounds}, indent=1))
    print(table(rounds, [tree.name for tree in trees]))


if __name__ == "__main__":
    main()
