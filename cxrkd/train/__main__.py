"""`python -m cxrkd.train FOLDER`: do the training that a folder describes (cxrkd/train/task.py).

Lightning starts this program once more for every further process of a node. The first of the first node prints events,
one JSON object a line, and at last the report; whatever else prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from cxrkd.errors import CxrkdError, DivergedError
from cxrkd.train.task import train_folder

USAGE = "usage: python -m cxrkd.train FOLDER (a folder with a task.json, as a run writes it)"


def main(words: list[str]) -> int:
    """Train, tell, and return the exit code."""
    if len(words) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    first = all(int(os.environ.get(rank, "0")) == 0 for rank in ("LOCAL_RANK", "NODE_RANK"))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)

        def tell(event: dict[str, object]) -> None:
            if first:
                print(json.dumps(event), file=out, flush=True)

        try:
            report = train_folder(Path(words[0]), tell, writes=first)
        except CxrkdError as error:
            tell({"kind": "error", "message": str(error), "diverged": isinstance(error, DivergedError)})
            return 1
        tell({"kind": "report", **report.to_dict()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
