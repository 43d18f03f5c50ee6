"""Options that `classify` and `explain` share: which run, which of its networks, on which engine, which files."""

from __future__ import annotations

import argparse
from typing import Any

from cxrkd.cli.names import comma_separated

MANY_IMAGES = 500
"""From here on the quicker engines win back the seconds that exporting and comparing them takes."""


def add_run_options(verb: Any, members: str = "all") -> None:
    """Which run, members and engine answer; `members` says which do unless told."""
    verb.add_argument("--run", metavar="RUN", help="id or folder of a run (default: the first finished one)")
    verb.add_argument(
        "--members", type=comma_separated, metavar="A,B", help=f"among teacher,alone,distilled (default: {members})"
    )
    verb.later(_add_engine)


def _add_engine(verb: argparse.ArgumentParser) -> None:
    from cxrkd.runtime.protocol import ENGINES

    verb.add_argument(
        "--engine",
        choices=("auto", *ENGINES),
        default="auto",
        help="auto (default): the fastest that agrees with PyTorch, where this machine knows it already or there are "
        f"{MANY_IMAGES} images or more; else PyTorch",
    )


def add_force(verb: argparse.ArgumentParser) -> None:
    """Whether flagged files are answered."""
    verb.add_argument(
        "--force", action="store_true", help="answer files that do not look like a frontal chest radiograph, too"
    )


def engine_for(asked: str, n_images: int) -> str:
    """What "auto" means for so many images, see `cxrkd.answers.engines`; other names stay as they are."""
    return "quick" if asked == "auto" and n_images < MANY_IMAGES else asked
