"""Starts a worker, waits for it, and writes down how it ended: a process that was killed cannot.

Run by its path in an interpreter without any path of ours (`python -I -S`): whatever keeps the worker from starting
does not keep this from telling. Only the standard library is imported.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

GO_ON = 75  # the worker lost the job it was at, and the queue goes on with another process


def main(record: str, token: str, *command: str) -> None:
    """Run a command in a session of its own, and leave its exit code.

    Args:
        record: JSON file to write: token, code (a negative one is a signal), ended (epoch seconds).
        token: which start this is.
        command: of the worker.
    """
    at_work: list[int] = []  # the worker's process group
    received: list[int] = []  # signals to end

    def end(number: int, _: object) -> None:
        received.append(number)
        for group in at_work:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.killpg(group, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)
    code = GO_ON
    while code == GO_ON:
        worker = subprocess.Popen(command, start_new_session=True)
        at_work[:] = [worker.pid]
        if received:  # before there was anybody to pass it on to
            end(received[0], None)
        code = worker.wait()
        at_work.clear()
    part = f"{record}.{token}"
    try:
        with open(part, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "token": token, "code": code, "ended": time.time()}, file)
        os.replace(part, record)
    except OSError as error:  # a full or read-only disk: the log may still take a line
        print(f"the worker ended with {code}, which cannot be written down: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
