"""Two servers on one home: two workers start at the same moment on one queue while both servers show Distil and
Results. Every run is executed once, and no page shows an error. Then two workers that cannot see one another's
processes, as in two containers: what one executes, the other neither calls interrupted nor executes again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.campaign.jobs import SMALL, must, source
from tests.campaign.outcome import Outcome
from tests.campaign.processes import LIMIT_S, start, wait, work

TITLE = "Two servers on one home"
APART = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
BORROWED = ("distill", *SMALL, "--teacher-from", "source", "--no-control", "--queue")


def campaign(folder: Path, full: bool) -> Outcome:
    """Six runs and twenty looks of each server; two runs and one look for CI, in one pid namespace."""
    found, home = Outcome(), Path(shutil.copytree(source(), folder / "home"))
    together(home, 6 if full else 2, 20 if full else 1, found)
    if full:
        apart(home, found)
    return found


def together(home: Path, runs: int, looks: int, found: Outcome) -> None:
    """Two workers and two servers at once."""
    names = [f"together-{i}" for i in range(runs)]
    for name in names:
        must(home, *BORROWED, "--name", name)
    for who, code, said in at_once(home, [work, work, looking(looks), looking(looks)]):
        found.hold(code == 0, f"process {who} of two workers and two servers ended with {code}: {said[-300:]}")
    for name in names:
        executed_once(home / "runs" / name, found)
    found.figures |= {"runs in the queue": runs, "looks at pages meanwhile": 4 * looks}


def at_once(home: Path, calls: list[Callable[[], int | None]]) -> list[tuple[int, int | None, str]]:
    """Call each in a process of its own, all at the same time; their exit codes and what they wrote to stderr."""
    with ExitStack() as stack:
        desks = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="process-"))) for _ in calls]
        started = [start(home, call, None, (), desk) for call, desk in zip(calls, desks, strict=True)]
        codes = [wait(pid, LIMIT_S) for pid in started]
        return [(i, code, (desk / "err").read_text()) for i, (code, desk) in enumerate(zip(codes, desks, strict=True))]


def looking(times: int) -> Callable[[], int]:
    """A server whose visitor opens Distil and Results so many times."""

    def look() -> int:
        from streamlit.testing.v1 import AppTest

        from cxrkd.dashboard import routes

        for _ in range(times):
            for name in ("distill", "results"):
                page = AppTest.from_file(routes.BY_NAME[name].path, default_timeout=LIMIT_S).run()
                for error in (*page.exception, *page.error):
                    print(f"{name}: {error.value}", file=sys.stderr)
                if page.exception or page.error:
                    return 1
        return 0

    return look


def executed_once(run: Path, found: Outcome) -> None:
    """The run is done, and each of its stages began once."""
    state = json.loads((run / "state.json").read_text())
    found.hold(state["status"] == "done", f"{run.name} is {state['status']}: {state.get('message')}")
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    stages = Counter(event.get("title") for event in events if event.get("kind") == "stage")
    twice = [title for title, n in stages.items() if n > 1]
    found.hold(not twice, f"{run.name}: more than once: {', '.join(map(str, twice))}")


def apart(home: Path, found: Outcome) -> None:
    """One worker in a pid namespace of its own, asked about and rivalled from another."""
    if shutil.which("unshare") is None or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        found.figures["in separate pid namespaces"] = "not done: they may not be made here"
        return
    must(home, *BORROWED, "--name", "apart", "--epochs", 40)
    run = home / "runs" / "apart"
    first = _there(home, "-m", "cxrkd.jobs.worker")
    while first.poll() is None and json.loads((run / "state.json").read_text())["status"] == "queued":
        time.sleep(0.1)
    rival = _there(home, "-m", "cxrkd.jobs.worker")
    shown = _there(home, "-m", "cxrkd", "runs", "show", "apart", "--json")
    out = shown.communicate(timeout=LIMIT_S)[0]
    still = first.poll() is None
    told = json.loads(out)["state"]["status"] if shown.returncode == 0 else f"code {shown.returncode}"
    found.hold(not still or told == "running", f"a run of another pid namespace is called {told}")
    found.hold(rival.wait(LIMIT_S) == 0 and first.wait(LIMIT_S) == 0, "a worker in a namespace of its own failed")
    executed_once(run, found)
    found.figures["in separate pid namespaces"] = (
        "two workers" if still else "the first was too quick to be asked about"
    )


def _there(home: Path, *words: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "CXRKD_HOME": str(home), "PYTHONPATH": root}
    command = [*APART, sys.executable, *words]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
