"""Errors that a user can act on. Each message says what was expected, what came, and what to do.

Pages and the command line print `str(error)` and nothing else for these; any other exception is a defect of ours.
"""

from __future__ import annotations


class CxrkdError(Exception):
    """Base of every error that is meant to be read by a user."""


class ConfigError(CxrkdError):
    """A setting is unknown, out of range, or contradicts another."""


class ImageError(CxrkdError):
    """A file is not an image we can read as a radiograph."""


class DataError(CxrkdError):
    """A data set is missing, incomplete, or has patients in two splits."""


class GateError(CxrkdError):
    """The coefficients of the radiograph gate are missing, damaged, or of another version."""


class RunError(CxrkdError):
    """A run folder is missing, incomplete, or in the wrong state for what was asked."""


class BusyError(CxrkdError):
    """More is asked for than this server takes at once."""


class EngineError(CxrkdError):
    """An inference engine is not installed or does not agree with PyTorch."""
