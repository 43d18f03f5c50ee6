"""The reading process: `python -P -m cxrkd.images.apart.child LIMITS [HOOK]`. Files come in, films go out.

It ends when its parent is gone, since nothing comes in any more; while it decodes, when its time is up.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from typing import BinaryIO

import cv2

from cxrkd.errors import ImageError
from cxrkd.images.apart import wire
from cxrkd.images.apart.limits import Limits, arm, bound, disarm
from cxrkd.images.limits import too_much_memory
from cxrkd.images.read import read


def serve(requests: BinaryIO, answers: BinaryIO, limits: Limits, hook: str | None) -> None:
    """Answer until nobody asks. `hook` is a script of the tests that is run before each file, to misbehave there."""
    cv2.setNumThreads(1)  # the limit counts all of them, and visitors share the cores
    wire.send(answers, {"limited": bound(limits.memory)})
    while True:
        try:
            head, (data,) = wire.receive(requests)
        except EOFError:
            return
        arm(limits)
        try:
            if hook:
                runpy.run_path(hook, {"NAME": head["name"]})
            message = wire.message(read(data, head["name"]), head["size"])
        except ImageError as error:
            wire.send(answers, {"refused": str(error)})
        except MemoryError:
            wire.send(answers, {"refused": str(too_much_memory(head["name"]))})
        else:
            wire.send(answers, *message)
            del message
        disarm()
        del data


def main() -> None:
    """Serve on the standard streams; what a library prints goes to the server's log instead of into the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        hook = sys.argv[2] if len(sys.argv) > 2 else None
        serve(sys.stdin.buffer, answers, Limits(**json.loads(sys.argv[1])), hook)
    except BrokenPipeError:
        # The server is gone; nobody waits for this answer. The stream must not be flushed again at exit.
        os._exit(0)


if __name__ == "__main__":
    main()
