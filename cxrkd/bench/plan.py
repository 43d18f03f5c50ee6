"""What is measured: networks, sizes and rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from cxrkd.config import Member, TrainConfig
from cxrkd.data.phantom import render
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.classifier import Classifier
from cxrkd.models.zoo import build
from cxrkd.runs.approximating import approximations
from cxrkd.runs.choosing import finished_runs
from cxrkd.runs.run import open_run


@dataclass(frozen=True)
class Plan:
    """Everything the sections need.

    Attributes:
        origin: where the networks come from, in words.
        teacher: a large network, in eval mode.
        student: a small one.
        giant: the largest one, with random weights: the paper's teacher.
        approximate: engines in fewer digits whose answers of the student are good enough (`runs.approximating`).
        pixels: float32 (S, S), a phantom.
        rounds: by section.
        lime: superpixels, and when LIME is stable.
        data: cohort of the training section.
        train: one epoch of it.
    """

    origin: str
    teacher: Classifier
    student: Classifier
    giant: Classifier
    approximate: frozenset[str]
    pixels: np.ndarray
    rounds: dict[str, int]
    lime: LimeSettings
    data: PhantomConfig
    train: TrainConfig

    @property
    def x(self) -> np.ndarray:
        """The image as a batch of one, float32 (1, 1, S, S)."""
        return self.pixels[None, None]


FULL_ROUNDS = {"engines": 9, "roofline": 9, "gradcam": 7, "audit": 3, "lime": 3, "cache": 5, "pipeline": 5, "films": 5}
QUICK_SIZE = 64


def plan(*, quick: bool = False, rounds: int | None = None, run_id: str | None = None) -> Plan:
    """The plan for this machine.

    Args:
        quick: tiny networks, 64 pixels and one round, to see that it works.
        rounds: of every section, instead of the defaults.
        run_id: whose networks; without one the first finished run's, and random ones where there is none.

    Raises:
        ConfigError: fewer than one round.
        RunError: the run does not exist or lacks networks.
    """
    if rounds is not None and rounds < 1:
        raise ConfigError(f"Expected at least one round, got {rounds}.")
    origin, teacher, student, approximate = _quick_networks() if quick else _networks(run_id)
    size = teacher.input_size
    default = dict.fromkeys(FULL_ROUNDS, 1) if quick else FULL_ROUNDS
    return Plan(
        origin=origin,
        teacher=teacher,
        student=student,
        giant=_random("resnet18" if quick else "densenet161", size),
        approximate=approximate,
        pixels=render(seed=0, patient=0, visit=0, size=size).pixels.astype(np.float32) / 255,
        rounds=default if rounds is None else dict.fromkeys(default, rounds),
        lime=LimeSettings(stability=0.3, n_samples=64, n_segments=12) if quick else LimeSettings(),
        data=PhantomConfig(n_patients=20 if quick else 60, image_size=size),
        train=TrainConfig(epochs=1, warm_epochs=0, batch_size=8 if quick else 16),
    )


_Networks = tuple[str, Classifier, Classifier, frozenset[str]]


def _networks(run_id: str | None) -> _Networks:
    """Origin, teacher, student, and the engines in fewer digits that are good enough for it."""
    run = open_run(run_id) if run_id else next(iter(finished_runs()), None)
    if run is None:
        random = "random weights (they do not change the time)"
        return random, _random("densenet121"), _random("eeea_net_c2"), frozenset()
    member: Member = "distilled" if "distilled" in run.members() else "alone"
    allowed = frozenset(approximations(run, member))
    return f"run {run.id}", run.load_model("teacher"), run.load_model(member), allowed


def _quick_networks() -> _Networks:
    small = "mobilenetv3_small_100"
    teacher, student = _random(small, QUICK_SIZE), _random("eeea_net_c1", QUICK_SIZE)
    return "quick look: toy sizes, no figures to quote", teacher, student, frozenset()


def _random(arch: str, size: int = 224) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(arch, CHESTXRAY14, size).eval()
