"""The engines of a network compared in a process of its own, so that no visitor of a server waits for it.

Exporting a network takes tens of seconds of one processor and holds Python's lock meanwhile. The helper runs at the
lowest priority that still ends, takes one network, and leaves its finding in the cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cxrkd.answers.engines import probe
from cxrkd.errors import CxrkdError, EngineError
from cxrkd.places import isolated_environment, isolated_python

if TYPE_CHECKING:  # pages of figures import this, and load no network
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.choice import Choice

NICENESS = 10
LONGEST_S = 1800.0


def choose(weights: Path, model: Classifier, threads: int) -> Choice:
    """Which engine is the fastest for a network, as it is kept, else as a helper process finds out now.

    Args:
        weights: its file.
        model: the network itself.
        threads: of one call.

    Raises:
        EngineError: the helper ended without a finding.
    """
    from cxrkd.runtime.choice import read_choice

    if (kept := read_choice(model, threads)) is not None:
        return kept
    output = _help(weights, threads)
    choice = read_choice(model, threads)
    if choice is None:
        last = output.strip().splitlines()[-1:] or ["it said nothing"]
        raise EngineError(f"The engines could not be compared, so PyTorch answers ({last[0]}).")
    return choice


def _help(weights: Path, threads: int) -> str:
    """Run the helper to its end; returns what it said."""
    command = [*isolated_python(), "-m", "cxrkd.answers.comparing", str(weights.resolve()), str(threads)]
    with tempfile.TemporaryFile("w+") as output:
        try:
            # It reads the pipe, which closes with us however we end.
            helper = subprocess.Popen(
                command, env=isolated_environment(), stdin=subprocess.PIPE, stdout=output, stderr=output
            )
        except OSError as error:
            return str(error)
        with helper:
            try:
                helper.wait(LONGEST_S)
            except subprocess.TimeoutExpired as error:
                helper.kill()
                return str(error)
        output.seek(0)
        return output.read()


def main(weights: str, threads: int) -> None:
    """Compare the engines of one network and keep what is found: what the helper process does."""
    import torch

    from cxrkd.models.weights import load_weights
    from cxrkd.runtime.choice import Choice, write_choice
    from cxrkd.runtime.select import fastest

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    torch.set_num_threads(threads)
    model = load_weights(Path(weights))
    # On one thread a call takes as long as the processor is busy with it, whatever else the machine does meanwhile.
    clock = time.process_time if threads == 1 else time.perf_counter
    engine, reports = fastest(model, probe(model.input_size), threads=threads, clock=clock)
    write_choice(model, threads, Choice(engine.name, tuple(reports)))


def _end_with_the_server() -> None:
    """Wait until the pipe from the server closes, and end."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except (CxrkdError, OSError) as error:
        sys.exit(str(error))
