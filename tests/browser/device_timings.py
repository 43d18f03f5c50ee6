"""How long a visitor waits for the app in their own browser: loading, answers with maps, camera, size of the download.

    taskset -c 1 python -m tests.browser.device_timings                # the shipped run nih, its distilled student
    taskset -c 1 python -m tests.browser.device_timings --run RUN --json timings.json

Headless Chromium, a static server in this process, one thread for the network. A figure is milliseconds as a visitor
sees them and, beside it, milliseconds of CPU that Chromium took, of all its processes and threads: on a machine that
does other work besides, the second is what the first would be on a core of its own.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from cxrkd.places import SAMPLES
from tests.browser import scenes
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.sites import READY, camera_flags, exported, serving_folder, write_frames

PATIENCE_MS = 240_000
N_ANSWERS, WARM_UP, N_VISITS, CAMERA_S = 40, 25, 5, 8.0
TEXTS = {".html", ".js", ".mjs", ".css", ".json", ".svg", ".webmanifest", ".onnx", ".safetensors"}
UNUSED = ("VENDOR.json", "LICENSE-onnxruntime.txt", "ThirdPartyNotices-onnxruntime.txt.gz")
ASK = """async ([base64, n]) => {
    const { answerFile } = await import("./app/client.js");
    const file = new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], "film.png");
    const each = [];
    for (let i = 0; i < n; i++) {
        const began = performance.now();
        const { ms } = await answerFile(file);
        each.push([performance.now() - began, ms]);
    }
    return each;
}"""


class Took(NamedTuple):
    """Milliseconds as a visitor sees them, and of CPU."""

    wall: float
    cpu: float


def measured(run: str, member: str) -> dict[str, object]:
    """Every figure by its name."""
    with tempfile.TemporaryDirectory() as place:
        folder = exported(Path(place) / "app", run, member)
        tones = np.asarray(Image.open(sorted(SAMPLES.glob("*.png"))[2]).convert("L"))
        scene, _ = scenes.seen(tones, scenes.on_a_light_box, scenes.Pose(turn=6, tilt=10))
        frame = cv2.resize(scene, (640, 480), interpolation=cv2.INTER_AREA)
        video = write_frames(Path(place) / "camera.y4m", frame)
        with serving_folder(folder) as site, sync_playwright() as playwright:
            flags = [*FLAGS, *camera_flags(video)]
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            context = chromium.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"])
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            figures: dict[str, object] = {"download": _download(folder), "first visit": _visit(page, site.address)}
            visits = [_visit(page, site.address) for _ in range(N_VISITS)]
            figures["ready warm"] = Took(*(statistics.median(values) for values in zip(*visits, strict=True)))
            figures |= _answers(page) | _camera(page)
            figures["chromium"] = chromium.version
            chromium.close()
    return figures


def _download(folder: Path) -> dict[str, float]:
    """Megabytes of what a visit fetches: as it lies there, and where the host compresses what it sends."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in UNUSED]
    packed = (
        len(gzip.compress(path.read_bytes(), 6)) if path.suffix in TEXTS else path.stat().st_size for path in files
    )
    return {"plain": sum(path.stat().st_size for path in files) / 1e6, "compressed": sum(packed) / 1e6}


def _visit(page: Page, address: str) -> Took:
    """From asking for the page to the moment when a film can be chosen."""
    cpu = _cpu_ms()
    page.goto(address)
    page.locator("body[data-ready]").wait_for()
    took = Took(float(page.locator("body").get_attribute("data-ready")), _cpu_ms() - cpu)
    page.locator(READY).wait_for()
    return took


def _answers(page: Page) -> dict[str, object]:
    """A film of the samples, from its bytes to answers and maps of all labels; and the network's part of it."""
    film = base64.b64encode(sorted(SAMPLES.glob("*.png"))[2].read_bytes()).decode()
    page.evaluate(ASK, [film, WARM_UP])
    cpu = _cpu_ms()
    each = page.evaluate(ASK, [film, N_ANSWERS])
    whole, network = zip(*each, strict=True)
    a_film = (_cpu_ms() - cpu) / N_ANSWERS
    return {
        "file to answers and maps": Took(statistics.median(whole), a_film),
        "network alone, quickest": min(network),
        "network alone": statistics.median(network),
    }


def _camera(page: Page) -> dict[str, object]:
    """Pictures a second of a camera of 30 before a film on a light box, whose edges are found, and CPU for each."""
    page.locator("#camera").click()
    page.locator("#rate[data-rate*='.']").wait_for()
    page.locator("#edges", has_text="Film's edges found").wait_for()
    time.sleep(2)
    cpu, began = _cpu_ms(), time.perf_counter()
    rates = []
    while time.perf_counter() - began < CAMERA_S:
        time.sleep(1)
        rates.append(float(page.locator("#rate").get_attribute("data-rate")))
    spent, seconds = _cpu_ms() - cpu, time.perf_counter() - began
    rate = statistics.median(rates)
    page.locator("#camera").click()
    return {"camera, pictures a second": rate, "camera, CPU ms a picture": spent / (rate * seconds)}


def _cpu_ms() -> float:
    """Of every Chromium below this process, user and system."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            named = b"chromium" in (entry / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        parents[int(entry.name)] = int(fields[1])
        times[int(entry.name)] = (int(fields[11]) + int(fields[12])) * named
    return 1e3 * sum(times[pid] for pid in times if _below(pid, parents)) / os.sysconf("SC_CLK_TCK")


def _below(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def _line(name: str, value: object) -> str:
    if isinstance(value, Took):
        return f"{name}: {value.wall:,.0f} ms, CPU {value.cpu:,.0f} ms"
    if isinstance(value, dict):
        return f"{name}: " + ", ".join(f"{key} {figure:.1f} MB" for key, figure in value.items())
    return f"{name}: {value:.1f}" if isinstance(value, float) else f"{name}: {value}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="nih")
    parser.add_argument("--member", default="distilled")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    before = os.getloadavg()[0]
    figures = measured(args.run, args.member) | {"load": f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"}
    figures["cores used"] = str(sorted(os.sched_getaffinity(0)))
    print("\n".join(_line(name, value) for name, value in figures.items()))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
