"""Over how many processes and machines a training is spread: of where it runs, not of what was asked.

A result must not hang on it, so it is no setting of a run: the options of the command line set variables of the
environment, which every process that is started from there reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from cxrkd.errors import ConfigError
from cxrkd.text import shown

DEVICES, NODES = "CXRKD_DEVICES", "CXRKD_NUM_NODES"
NODE_RANKS = ("NODE_RANK", "GROUP_RANK", "SLURM_NODEID")
"""Which node this is, in the words of whoever started it: by hand, torchrun, srun."""
LOCAL_RANKS = ("LOCAL_RANK", "SLURM_LOCALID")


@dataclass(frozen=True)
class Spread:
    """How a training is spread.

    Attributes:
        devices: processes on each node; None is one a GPU, as many as share a batch evenly, and one without a GPU.
        nodes: machines that take part.
        rank: which of them this is, from 0; the first one is the one that makes the run.
    """

    devices: int | None = None
    nodes: int = 1
    rank: int = 0

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Spread:
        """What the environment of this process says.

        Raises:
            ConfigError: a variable is no number in range, or a launcher started several processes on a node.
        """
        devices, nodes = _whole(environment, DEVICES, 1), _whole(environment, NODES, 1) or 1
        if nodes == 1:
            return cls(devices)
        for name in LOCAL_RANKS:
            if _whole(environment, name, 0):
                raise ConfigError(
                    f"{name} is {environment[name]}: start one process a node (srun --ntasks-per-node=1, torchrun "
                    "--nproc-per-node=1). It starts one for each of its devices itself."
                )
        rank = next((rank for name in NODE_RANKS if (rank := _whole(environment, name, 0)) is not None), 0)
        if rank >= nodes:
            raise ConfigError(f"This is node {rank} of {nodes}: ranks count from 0 to {nodes - 1}.")
        return cls(devices, nodes, rank)

    def processes(self, batch_size: int, gpus: int) -> int:
        """Processes on each node that a training is done in.

        Each averages the loss of its own films, so the mean over processes is that of the batch only if all have as
        many: a batch is shared evenly or the training is refused.

        Args:
            batch_size: films that all processes take together.
            gpus: of this node.

        Raises:
            ConfigError: nodes, or the processes that were asked for, do not share a batch evenly; or there are not as
                many GPUs.
        """
        if self.devices is not None and gpus and self.devices > gpus:
            raise ConfigError(f"{self.devices} devices were asked for, and this machine has {gpus}.")
        world = (self.devices or 1) * self.nodes
        if batch_size % world:
            ways = f"{self.nodes} nodes of {self.devices or 1}" if self.nodes > 1 else str(world)
            raise ConfigError(
                f"A batch of {batch_size} films cannot be shared evenly by {ways} processes. Choose a batch size that "
                f"is a multiple of {world}, such as {-(-batch_size // world) * world}, or other numbers of them."
            )
        if self.devices is not None:
            return self.devices
        mine = batch_size // self.nodes
        return next(count for count in range(min(max(1, gpus), mine), 0, -1) if mine % count == 0)


def _whole(environment: Mapping[str, str], name: str, least: int) -> int | None:
    """A whole number of the environment; None where it is not set."""
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise ConfigError(f"{name}: expected a whole number from {least}, got {shown(text)}.")
    return int(text)
