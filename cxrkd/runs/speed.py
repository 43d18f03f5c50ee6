"""How fast this machine trains and asks a network: real steps of the trainer on noise, a few seconds in all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.data.pixels import InMemory
from cxrkd.distill.facts import Facts
from cxrkd.distill.loss import Loss, control, objective, plain
from cxrkd.errors import ConfigError
from cxrkd.evaluate.record import Record
from cxrkd.jobs.environment import describe
from cxrkd.models.classifier import Classifier
from cxrkd.models.zoo import build
from cxrkd.runtime.cores import threads_elsewhere
from cxrkd.runtime.timing import milliseconds
from cxrkd.train.allocator import keep_freed_memory
from cxrkd.train.asking import InTheLoop, cached
from cxrkd.train.batches import Batches
from cxrkd.train.device import device
from cxrkd.train.module import Training
from cxrkd.train.predict import predict_logits
from cxrkd.train.schedule import plan

CPU_BATCH = 4
TIMED_S = 1.5
MAX_STEPS = 10


@dataclass(frozen=True)
class Speed(Record):
    """Speed of one network on one device.

    Attributes:
        arch: name of the network.
        device: the processor or GPU that was timed, for people.
        batch_size: images a step; on a CPU fewer than the run takes, where that changes little.
        train_images_s: images a second through training steps (batch, forward, backward, optimiser).
        predict_images_s: images a second through the network alone, in evaluation mode.
        params: number of weights.
    """

    arch: str
    device: str
    batch_size: int
    train_images_s: float
    predict_images_s: float
    params: int


def measure_speed(
    arch: str,
    labels: tuple[str, ...],
    size: int,
    train: TrainConfig,
    objective_config: ObjectiveConfig | None = None,
    teacher_arch: str | None = None,
) -> Speed:
    """Time training steps of a network with random weights on noise: one to warm up, then for about TIMED_S.

    Args:
        arch: name of the network.
        labels: K names.
        size: side of the images in pixels.
        train: batch size, precision and augmentation; nothing else matters here.
        objective_config: of a student; None for a network that learns from labels alone.
        teacher_arch: of the teacher, for objectives that look at more of it than logits. What it says is computed once:
            its own speed is another figure.

    Raises:
        ConfigError: no such network at this size, or the batch does not fit into the GPU's memory.
    """
    keep_freed_memory()
    with _threads_of_a_run():
        return _measure(arch, labels, size, train, objective_config, teacher_arch)


def _measure(
    arch: str,
    labels: tuple[str, ...],
    size: int,
    train: TrainConfig,
    objective_config: ObjectiveConfig | None,
    teacher_arch: str | None,
) -> Speed:
    where = device()
    n = train.batch_size if where.type == "cuda" else min(train.batch_size, CPU_BATCH)
    with torch.random.fork_rng():
        model = build(arch, labels, size).to(memory_format=torch.channels_last).to(where)
        cohort = _noise(n, size, labels)
        try:
            # Asked first: what is learned of noise may diverge, and then the network has no answers.
            predict_s = _seconds(lambda: predict_logits(model, cohort.images[:n]))
            needed = objective_config is not None and objective_config.needs
            teacher = build(teacher_arch, labels, size).to(where) if needed and teacher_arch else None
            facts = Facts.of(cohort.targets).model_copy(update={"temperatures": (1.0,) * len(labels)})
            loss = _loss(objective_config, model, teacher, facts)
            train_s = _seconds(stepper(model, cohort, train.model_copy(update={"batch_size": n}), loss, teacher))
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"A batch of {n} images of {size} px does not fit into the memory of {device_name()} when {arch} is "
                "trained. Choose a smaller batch size."
            ) from error
    params = sum(p.numel() for p in model.parameters())
    return Speed(arch, device_name(), n, n / train_s, n / predict_s, params)


def _loss(config: ObjectiveConfig | None, model: Classifier, teacher: Classifier | None, facts: Facts) -> Loss:
    if config is None:
        return plain()
    if config.trains_teacher:  # whose steps are the teacher's figure
        return control(config, facts=facts)
    return objective(config, model, teacher, facts=facts)


@contextmanager
def _threads_of_a_run() -> Iterator[None]:
    """As many threads as the run's own process will have, whatever this one computes with."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads_elsewhere())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def device_name() -> str:
    """What trains here, for people: the GPU's name, or the processor's with the cores that this process may use."""
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{describe()['cpu']}, {cores} cores"


def stepper(
    model: Classifier, cohort: Cohort, train: TrainConfig, loss: Loss, teacher: Classifier | None
) -> Callable[[], None]:
    """One training step as the trainer does it, without what it does around an epoch."""
    schedule = plan(train.model_copy(update={"epochs": 1, "warm_epochs": 0}), train.batch_size, model.input_size)
    batches = Batches(cohort, schedule, 0, train, np.zeros(cohort.targets.shape, np.float32), device())
    answers = cached(batches.at(0)) if teacher is None else InTheLoop(teacher, loss.needs)(batches.at(0))
    training = Training(model.train(), cohort, batches, loss, train, schedule, lambda batch: answers).to(device())
    optimizer = training.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, torch.optim.Optimizer)  # narrows Lightning's type

    def step() -> None:
        with torch.autocast(device().type, torch.bfloat16, enabled=train.precision == "bf16-mixed"):
            value = training.training_step(0)
        optimizer.zero_grad()
        value.backward()
        training.configure_gradient_clipping(optimizer)
        optimizer.step()

    return step


def _seconds(work: Callable[[], object]) -> float:
    """Median seconds of a call, over about TIMED_S; the first one warms up and does not count."""
    _timed(work)
    times: list[float] = []
    while not times or (sum(times) < TIMED_S and len(times) < MAX_STEPS):
        times.append(_timed(work))
    return median(times)


def _timed(work: Callable[[], object]) -> float:
    """Seconds of a call; on a GPU up to the end of what it has begun there."""

    def whole() -> None:
        work()
        if device().type == "cuda":
            torch.cuda.synchronize()

    return milliseconds(whole) / 1e3


def _noise(n: int, size: int, labels: tuple[str, ...]) -> Cohort:
    """N images to train on and one to validate on, which no step asks for."""
    rng = np.random.default_rng(0)
    names = np.array([str(i) for i in range(n + 1)])
    images = rng.integers(0, 256, (n + 1, size, size), np.uint8)
    return Cohort(
        name="noise",
        labels=labels,
        targets=(rng.random((n + 1, len(labels))) < 0.1).astype(np.float32),
        patients=names,
        ids=names,
        split=np.array(["train"] * n + ["val"]),
        views=np.full(n + 1, "PA"),
        pixels=InMemory(images, "noise"),
        synthetic=True,
    )
