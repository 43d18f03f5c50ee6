"""What a job was made with and how long it took. No host names, user names or paths: job folders are shared."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cxrkd
from cxrkd.places import CHECKOUT

_PACKAGES = ("torch", "torchvision", "lightning", "timm", "numpy", "scikit-learn")


def describe() -> dict[str, object]:
    """Python, packages, processor, cores, platform, version of this package and its git commit when there is one."""
    return {
        "cxrkd": cxrkd.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        **machine(),
    }


def machine() -> dict[str, object]:
    """Processor, cores and platform: what decides how long the same work takes."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str | None:
    """Commit of the source tree, or None for an installed package."""
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():
        return None
    try:
        shown = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return shown.stdout.strip() or None
