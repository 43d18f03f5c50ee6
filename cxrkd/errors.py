"""Errors that a user can act on. Each message says what was expected, what came, and what to do.

Pages and the command line print `str(error)` and nothing else for these; any other exception is a defect of ours.
"""

from __future__ import annotations

import errno
import os

from cxrkd.text import sentence


class CxrkdError(Exception):
    """Base of every error that is meant to be read by a user.

    Its text is a sentence whatever was put into it: a value of a million characters, a file name that turns the
    direction of text, a cell with a line break.
    """

    def __str__(self) -> str:
        return sentence(super().__str__())


class ConfigError(CxrkdError):
    """A setting is unknown, out of range, or contradicts another."""


class ImageError(CxrkdError):
    """A file is not an image we can read as a radiograph."""


class NotNowError(ImageError):
    """A file cannot be read now, for a reason that lies in this machine or a share and not in the file."""


class DataError(CxrkdError):
    """A data set is missing, incomplete, or has patients in two splits."""


class DownloadError(CxrkdError):
    """A file cannot be fetched from the internet."""


class GateError(CxrkdError):
    """The coefficients of the radiograph gate are missing, damaged, or of another version."""


class RunError(CxrkdError):
    """A run folder is missing, incomplete, or in the wrong state for what was asked."""


class DivergedError(RunError):
    """A training's loss is no number any more."""


class BusyError(CxrkdError):
    """More is asked for than this server takes at once."""


class EngineError(CxrkdError):
    """An inference engine is not installed or does not agree with PyTorch."""


class AccessError(CxrkdError):
    """A visitor of a page may not do, or not as much as, what was asked; or a folder is not open to pages."""


class AnswerError(EngineError, RunError):
    """A network answered with what is no number, or could not answer with one: no such answer is ever shown."""


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)


def unwritable(error: Exception) -> OSError | None:
    """What an error, not meant for users, says of a disk that is full, read-only or not ours; None of any other."""
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return error
    full = os.strerror(errno.ENOSPC)  # writers outside Python's own raise errors of their own
    return OSError(errno.ENOSPC, full) if full in str(error) else None
