"""The process of a watch that a page has started: `python -m cxrkd.runs.watching.apart FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from cxrkd.errors import CxrkdError
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import open_job
from cxrkd.jobs.lease import LOST

NICENESS = 5


def main(folder: str) -> int:
    """Execute one watch. Everything on disk is whole at any moment, so the quickest end is the cleanest."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    signal.signal(LOST, lambda *_: os._exit(1))
    os.nice(NICENESS)  # the dashboard beside us should stay quick
    try:
        execute(open_job(Path(folder)))
    except CxrkdError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
