"""`python -m tests.load`: starts a server, sends visitors, prints figures."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path

from tests.load.figures import Answered, Said, summary, wrong
from tests.load.films import Films
from tests.load.server import Server, served
from tests.load.visitor import RefusedError, Visitor

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_S = 5.0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--visitors", type=int, default=16, help="tabs at once")
    parser.add_argument("--explain", type=int, default=0, help="how many of them are on Explain, the rest on Classify")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they ask, each without a pause")
    parser.add_argument("--serial", type=int, default=48, help="answers held against those to a lone visitor")
    parser.add_argument("--home", type=Path, required=True, help="CXRKD_HOME of the server; an empty one starts cold")
    parser.add_argument(
        "--code", type=Path, default=ROOT, help="checkout whose server is measured; this one by default"
    )
    parser.add_argument("--port", type=int, default=8650)
    parser.add_argument("--pixels", type=int, default=256, help="side of the uploaded films")
    parser.add_argument("--warm", action="store_true", help="begin when the engines of this machine are chosen")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


class Load:
    """Visitors that ask until told to stop, each on its own thread."""

    def __init__(self, server: Server, films: Films, visitors: int, explain: int) -> None:
        pages = ["explain" if i < explain else "classify" for i in range(visitors)]
        self._films, self._stop, self._lock = films, threading.Event(), threading.Lock()
        self.found: list[Answered] = []
        self.refused: list[str] = []
        self.failed: list[str] = []
        self._visitors = [Visitor(server.address, page) for page in pages]
        self._began = time.monotonic()

    def run(self, seconds: float, server: Server) -> list[float]:
        """Ask for so many seconds; returns the server's memory in MB, every few seconds."""
        threads = [threading.Thread(target=self._visit, args=(i, v)) for i, v in enumerate(self._visitors)]
        memory = [server.rss_mb()]
        self._began = time.monotonic()
        for thread in threads:
            thread.start()
        while (left := self._began + seconds - time.monotonic()) > 0:
            self._stop.wait(min(SAMPLE_S, left))
            memory.append(server.rss_mb())
        self._stop.set()
        for thread in threads:
            thread.join()
        return memory

    def _visit(self, number: int, visitor: Visitor) -> None:
        index = 0
        try:
            while not self._stop.is_set():
                self._ask(number, index, visitor)
                index += 1
        except Exception as error:  # a visitor that breaks down is a finding
            self.failed.append(f"visitor {number}: {type(error).__name__}: {error}")
        finally:
            visitor.close()

    def _ask(self, number: int, index: int, visitor: Visitor) -> None:
        film = self._films.of(number, index)
        try:
            one = visitor.ask(film)
        except RefusedError as refused:
            self.refused.append(str(refused))
            return
        at = time.monotonic() - self._began
        with self._lock:
            self.found.append(Answered(one.film, one.page, one.seconds, one.shown, one.said, at))


def serial_answers(server: Server, films: Films, found: list[Answered], n: int) -> dict[str, Said]:
    """What a lone visitor is told about some of the films, spread over visitors and time."""
    said: dict[str, Said] = {}
    for page in sorted({one.page for one in found}):
        own = sorted((one for one in found if one.page == page), key=lambda one: one.film)
        chosen = own[:: max(1, -(-len(own) // max(n, 1)))][:n]
        visitor = Visitor(server.address, page)
        for one in chosen:
            number, index = (int(part) for part in one.film[1:].removesuffix(".png").split("-"))
            said[one.film] = visitor.ask(films.of(number, index)).said
        visitor.close()
    return said


def wait_until_chosen(server: Server, films: Films) -> None:
    """Ask until the page polls no more: from then on the chosen engines answer."""
    visitor, index = Visitor(server.address), 0
    while True:
        visitor.ask(films.of(999, index))
        if not visitor.polls:
            break
        time.sleep(1.0)
        index += 1
    visitor.close()


def measure(args: argparse.Namespace) -> dict[str, object]:
    films = Films(args.pixels)
    with served(args.code.resolve(), args.home.resolve(), args.port) as server:
        if args.warm:
            wait_until_chosen(server, films)
        load = Load(server, films, args.visitors, args.explain)
        cpu = server.cpu_s()
        memory = load.run(args.seconds, server)
        cpu = server.cpu_s() - cpu
        serial = serial_answers(server, films, load.found, args.serial)
    in_time = [one for one in load.found if one.at <= args.seconds]
    result: dict[str, object] = {"visitors": args.visitors, "on_explain": args.explain, "seconds": args.seconds}
    for page in sorted({one.page for one in load.found}):
        told = summary([one for one in load.found if one.page == page], args.seconds, serial)
        told["answers_per_s"] = sum(one.page == page for one in in_time) / args.seconds
        result[page] = told
    result |= {"cpu_s_per_answer": cpu / max(len(load.found), 1), "memory_start_mb": memory[0]}
    result |= {"memory_half_mb": memory[len(memory) // 2], "memory_end_mb": memory[-1], "memory_peak_mb": max(memory)}
    result |= {"wrong": wrong(load.found, serial), "refused": len(load.refused), "failed": load.failed}
    return result | ({"first_refusal": load.refused[0]} if load.refused else {})


def main() -> int:
    args = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must not outlive its visitors
    found = measure(args)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            rows = value.items() if isinstance(value, dict) else [("", value)]
            for key, one in rows:
                print(f"{name} {key}".strip().ljust(36), f"{one:.3g}" if isinstance(one, float) else one)
    return 1 if found["wrong"] or found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
