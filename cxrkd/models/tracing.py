"""One lock for whatever traces a network: PyTorch's tracers keep state of the process, not of the thread."""

from __future__ import annotations

import threading

TRACING = threading.RLock()
