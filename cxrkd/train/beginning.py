"""The teacher of a run as it is before its first step, made again at any time: from its settings and a seed."""

from __future__ import annotations

import numpy as np
import torch

from cxrkd.config import RunConfig
from cxrkd.data.cohort import Cohort
from cxrkd.models.classifier import Classifier
from cxrkd.models.ensemble import join
from cxrkd.models.network import parts_of
from cxrkd.models.zoo import build, taught
from cxrkd.progress import Progress
from cxrkd.train.prior import start_at_prevalence


def teacher_parts(config: RunConfig) -> list[tuple[str, int]]:
    """The networks of a run's teacher, each with a seed of its own."""
    return [(arch, config.seeds[0] + index) for index, arch in enumerate(parts_of(config.teacher_arch))]


def begun_part(config: RunConfig, cohort: Cohort, arch: str, seed: int, progress: Progress | None = None) -> Classifier:
    """One of those networks with its pretrained weights; labels that those do not answer start at their prevalence.

    Raises:
        ConfigError: no such network, or its weights are not here and may not be downloaded.
    """
    torch.manual_seed(seed)
    weights, size = config.teacher_weights, cohort.images.shape[1]
    model = build(arch, cohort.labels, size, weights, download=config.download, progress=progress)
    untaught = ~np.isin(cohort.labels, taught(arch, weights, cohort.labels))
    start_at_prevalence(model, cohort.targets[cohort.rows("train")], untaught)
    return model


def begun_teacher(config: RunConfig, cohort: Cohort) -> Classifier:
    """All of them, as one network that believes each alike; the random numbers of whoever asks are left alone.

    Raises:
        ConfigError: as for `begun_part`.
    """
    with torch.random.fork_rng():
        return join([begun_part(config, cohort, arch, seed) for arch, seed in teacher_parts(config)])
