"""What a reading process may take, and how it sets that for itself.

A platform that lacks one of these limits reads without it; the clock of the parent holds everywhere.
"""

from __future__ import annotations

import math
import signal
import sys
from dataclasses import dataclass

if sys.platform != "win32":
    import resource


@dataclass(frozen=True)
class Limits:
    """Limits of the decoding of one file.

    Attributes:
        seconds: of the processor. The slowest film of 50 megapixels (16 bits in four channels) takes 5 s on a core of
            its own. Time of the processor, so that nobody's film is refused because others are at work.
        wall_seconds: by the clock, for what waits instead of working.
        memory: bytes of address space, of which libraries take 0.5 GB. Of films with 50 megapixels the ordinary one
            needs 1.0 GB in all, a 16-bit DICOM file with all it may contain 1.9, 16 bits in four channels 2.0.
    """

    seconds: float = 20
    wall_seconds: float = 120
    memory: int = 3_000_000_000


def bound(most: int) -> bool:
    """Bound the address space of this process, and let no crash leave a film on the disk.

    Returns:
        Whether the system does so.
    """
    if sys.platform == "win32":
        return False
    for number in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)  # whoever started the server may have them ignored or blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM, signal.SIGXCPU))
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (OSError, ValueError):
        return False
    return True


def arm(limits: Limits) -> None:
    """From now on, `limits.seconds` of the processor or a little more than the parent's clock end this process.

    The system ends it, in the middle of a decoder too, and also where no parent is left to do so.
    """
    if sys.platform == "win32":
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit_cpu(math.ceil(used.ru_utime + used.ru_stime + limits.seconds))
    signal.alarm(math.ceil(limits.wall_seconds) + 1)


def disarm() -> None:
    """The file is decoded: waiting for the next one may take any time."""
    if sys.platform != "win32":
        signal.alarm(0)
        _limit_cpu(resource.RLIM_INFINITY)


def _limit_cpu(end: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    finite = [limit for limit in (end, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_CPU, (min(finite, default=resource.RLIM_INFINITY), hard))
