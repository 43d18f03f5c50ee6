"""Options that say over how many devices and nodes this machine's trainings are spread."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from cxrkd.cli.output import Report, Ticker
from cxrkd.errors import ConfigError
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.config import RunConfig
    from cxrkd.runs import Run
    from cxrkd.train.spread import Spread


LONGEST = 9
"""Digits of any number of devices or machines."""


def from_one(text: str) -> str:
    """A whole number from 1, as text: what the environment holds.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {shown(text)}")
    return text


def add_spread(verb: argparse.ArgumentParser) -> None:
    """Add --devices and --num-nodes."""
    group = verb.add_argument_group("Where it is trained (docs/scaling.md); no figure hangs on it")
    group.add_argument(
        "--devices",
        type=from_one,
        metavar="N",
        help="processes on each node that share every batch (default: one a GPU, one without a GPU; CXRKD_DEVICES)",
    )
    group.add_argument(
        "--num-nodes",
        type=from_one,
        metavar="M",
        help="machines that take part: the same command on each, with NODE_RANK 0 to M - 1 where no launcher says it "
        "(default: 1; CXRKD_NUM_NODES)",
    )


def spread(args: argparse.Namespace, *, here: bool) -> Spread:
    """How trainings are spread, from options and environment; what was given is left in the environment.

    Args:
        args: of a verb with these options.
        here: whether this process trains; else the queue's worker does, whose environment is its own.

    Raises:
        ConfigError: a number is out of range, or somebody else trains.
    """
    from cxrkd.train.spread import DEVICES, NODES, Spread

    given = {DEVICES: args.devices, NODES: args.num_nodes}
    if not here and any(given.values()):
        raise ConfigError(
            "--devices and --num-nodes are of the process that trains, and here the queue's worker does. Set "
            f"{DEVICES} where the worker is started, or train in the foreground."
        )
    os.environ.update({name: value for name, value in given.items() if value is not None})
    return Spread.here()


def as_another_node(args: argparse.Namespace, config: RunConfig, *, here: bool = True) -> Report | None:
    """Take part in the run that the first node makes of a config; None where this is the first node."""
    rank = spread(args, here=here).rank
    if not rank:
        return None
    from cxrkd.runs.spreading import started

    return joined(started(config), rank)


def joined(run: Run, rank: int) -> Report:
    """Take part in a run that the first node makes, until it is done.

    Raises:
        RunError: the run failed or was stopped, or this node's part of a training ended early.
    """
    from cxrkd.runs.spreading import join

    join(run, rank, lambda event: Ticker().line(str(event["title"])))
    return Report(
        {"run": run.id, "node": rank, "state": run.state.to_dict()}, [f"{run.id} is done; this was node {rank}."]
    )
