"""Which engine was found the fastest for a network on this machine, kept on disk so that it is found out once.

A choice holds for one set of weights, one processor, one number of threads and one set of package versions; anything
else is another file. A file that does not read as a choice, or whose ONNX file is no longer the one that was compared,
counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cxrkd.atomic import replacing
from cxrkd.checksums import sha256
from cxrkd.models.classifier import Classifier
from cxrkd.models.weights import fingerprint
from cxrkd.runtime.export import CACHE_FORMAT, cache_folder, cache_path
from cxrkd.runtime.protocol import ENGINES
from cxrkd.runtime.select import EngineReport

FORMAT = 1


@dataclass(frozen=True)
class Choice:
    """What a comparison of engines came to.

    Attributes:
        engine: the fastest that agrees with PyTorch, a key of ENGINES.
        reports: of all engines.
    """

    engine: str
    reports: tuple[EngineReport, ...]


def choice_path(model: Classifier, threads: int) -> Path:
    """Where the choice for a network on this machine is kept, whether or not it is there."""
    facts = [FORMAT, CACHE_FORMAT, fingerprint(model), threads, _processor(), *map(_version, _packages())]
    return cache_folder() / f"{model.arch}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]}.choice.json"


def read_choice(model: Classifier, threads: int) -> Choice | None:
    """What was found before; None where nothing was, or where its files are damaged: they are removed then."""
    path = choice_path(model, threads)
    try:
        kept = json.loads(path.read_text("utf-8"))
        choice = Choice(str(kept["engine"]), tuple(_report(row) for row in kept["reports"]))
        sound = _agreed(choice) and kept["onnx"] == _digest(cache_path(model))
    except (OSError, ValueError, TypeError, KeyError):
        sound = False
    if sound:
        return choice
    if path.exists():
        path.unlink(missing_ok=True)
        cache_path(model).unlink(missing_ok=True)  # which of the two is damaged cannot be told
    return None


def write_choice(model: Classifier, threads: int, choice: Choice) -> None:
    """Keep a choice, bound to the ONNX file as it is now.

    Raises:
        OSError: the cache cannot be written.
    """
    rows = [{k: None if v != v else v for k, v in report.to_dict().items()} for report in choice.reports]
    with replacing(choice_path(model, threads)) as part:
        document = {"engine": choice.engine, "reports": rows, "onnx": _digest(cache_path(model))}
        part.write_text(json.dumps(document, indent=1), "utf-8")


def _report(row: dict[str, Any]) -> EngineReport:
    latency, difference = (math.nan if row[name] is None else float(row[name]) for name in _FIGURES)
    return EngineReport(str(row["name"]), latency, difference, row["agrees"] is True, str(row["note"]))


_FIGURES = ("latency_ms", "max_abs_prob_diff")


def _agreed(choice: Choice) -> bool:
    names = tuple(report.name for report in choice.reports)
    return names == tuple(ENGINES) and any(r.name == choice.engine and r.agrees for r in choice.reports)


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where there is none, as without the packages that export."""
    return sha256(path) if path.exists() else ""


def _packages() -> list[str]:
    """What the engines are made of, each once."""
    return list(dict.fromkeys(["cxrkd", "torch", *(package for entry in ENGINES.values() for package in entry.needs)]))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags", "Features"))]
    return " ".join([platform.machine(), platform.processor(), *names[:2]])
