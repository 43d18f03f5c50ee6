"""Decoding in a process of its own, with a limit of time and of memory: what a file does there, it does to nobody."""

from cxrkd.images.apart.limits import Limits
from cxrkd.images.apart.pool import READING, ReadingPool
from cxrkd.images.apart.process import ReadingProcess

__all__ = ["READING", "Limits", "ReadingPool", "ReadingProcess"]
