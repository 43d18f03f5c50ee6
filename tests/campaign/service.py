"""The service as a process of its own: mutated uploads one after another, then many callers at once, of whom too many
are told to come again. Each request gets a status and a sentence or an answer, the process goes on, and says nothing of
any film."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cxrkd.data.phantom import render
from tests.campaign.jobs import source
from tests.campaign.outcome import Outcome
from tests.campaign.uploads import MUTATIONS, originals
from tests.images.conftest import dicom, encode

TITLE = "Service"
ROOT = Path(__file__).resolve().parents[2]
SECRET = "Campaign^Patient"
STATUSES = {200, 413, 415, 422}
CALLERS = 32


def campaign(folder: Path, full: bool, seed: int = 0) -> Outcome:
    """3,000 mutated uploads and 32 callers with 20 films each; 60 and two for CI."""
    found = Outcome()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "cxrkd", "serve", "--run", "source", "--engine", "pytorch", "--port", str(port)]
    env = {**os.environ, "CXRKD_HOME": str(source()), "PYTHONPATH": os.pathsep.join([str(ROOT), *_own_path()])}
    with (folder / "log").open("w+") as log:
        server = subprocess.Popen([sys.executable, *words], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait_for(port, server)
            fuzzed(port, 3000 if full else 60, seed, found)
            before = _memory(server.pid)
            flooded(port, 20 if full else 2, found)
            found.hold(ask(port, "GET", "/health")[0] == 200, "it does not answer any more")
            found.figures |= {"memory before the flood, MiB": before, "after it, MiB": _memory(server.pid)}
            server.send_signal(signal.SIGINT)
            found.hold(server.wait(60) == 0, f"Ctrl-C ended it with {server.returncode}")
        finally:
            server.kill()
            server.wait()
        log.seek(0)
        said = log.read()
    found.hold(SECRET not in said and "Traceback" not in said, f"it said: {said[-200:]}")
    found.figures["lines in its log"] = len(said.splitlines())
    return found


def fuzzed(port: int, n: int, seed: int, found: Outcome) -> None:
    """Uploads that are mutated as those of pages are."""
    rng, files, ends = np.random.default_rng(seed), originals(), Counter()
    files["dicom, a name"] = dicom(render(3, 0, 0, 96).pixels, PatientName=SECRET)
    names, slowest = list(files), 0.0
    for i in range(n):
        how = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        data = how(rng, files[names[i % len(names)]], files[names[int(rng.integers(len(names)))]])
        began = time.monotonic()
        status, document = ask(port, "POST", "/classify?force=true", data)
        slowest = max(slowest, time.monotonic() - began)
        ends[status] += 1
        where = f"upload {i}, {names[i % len(names)]}, {how.__name__}"
        found.hold(status in STATUSES, f"{where}: status {status}: {document}")
        sentence = document.get("detail", "")
        found.hold(status == 200 or 0 < len(sentence) < 500, f"{where}: {sentence}")
        found.hold(SECRET not in json.dumps(document), f"{where}: a tag in the answer")
    found.figures |= {"mutated uploads": n, "answered": ends[200], "refused": n - ends[200], "slowest, s": slowest}


def flooded(port: int, a_caller: int, found: Outcome) -> None:
    """Callers that ask again at once, and again after they were told to wait; each gets the answer to its own film."""
    films = [encode(np.roll(render(3, 1, 0, 160).pixels, k, 1)) for k in range(CALLERS)]
    alone = [ask(port, "POST", "/classify?force=true", film)[1]["sha256"] for film in films]
    told: Counter[int] = Counter()

    def call(k: int) -> list[str]:
        wrong = []
        for _ in range(a_caller):
            status, document = _until_taken(port, films[k], told)
            if status != 200 or document["sha256"] != alone[k]:
                wrong.append(f"caller {k}: status {status}")
        return wrong

    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as pool:
        for wrong in pool.map(call, range(CALLERS)):
            for fault in wrong:
                found.hold(False, fault)
    n = CALLERS * a_caller
    found.figures |= {"callers at once": CALLERS, "films of theirs": n, "told to come again": told[429]}
    found.figures["answers a second"] = n / (time.monotonic() - began)


def _until_taken(port: int, film: bytes, told: Counter[int]) -> tuple[int, dict]:
    for _ in range(2000):
        status, document = ask(port, "POST", "/classify?force=true", film)
        told[status] += 1
        if status != 429:
            return status, document
        time.sleep(0.05)
    return 429, {}


def ask(port: int, method: str, path: str, data: bytes | None = None) -> tuple[int, dict]:
    """Status and document of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, data)
        found = connection.getresponse()
        return found.status, json.loads(found.read())
    finally:
        connection.close()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(480):
        if server.poll() is not None:
            raise AssertionError(f"the service ended with {server.returncode}")
        try:
            ask(port, "GET", "/health")
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the service did not answer in four minutes")


def _own_path() -> list[str]:
    """What this process was given beside the checkout, such as where packages lie."""
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _memory(pid: int) -> int:
    """MiB of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
