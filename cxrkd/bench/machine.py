"""What a figure was measured on."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from cxrkd.jobs.environment import describe

PACKAGES = ("torch", "onnxruntime", "openvino", "grad-cam", "lime", "lightning", "numpy")


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, threads, versions, and the load average before we began."""
    environment = describe()
    return {
        "cpu": environment["cpu"],
        "platform": environment["platform"],
        "python": environment["python"],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
