"""The command line: `python -m cxrkd <verb>`. One file a group of verbs; heavy imports come late."""

from cxrkd.cli.main import main

__all__ = ["main"]
