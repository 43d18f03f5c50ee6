"""How long the stages of a run will take, guessed from one timed forward pass of each network."""

from __future__ import annotations

import time

import torch

from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data.preview import cohort_size
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.zoo import build
from cxrkd.train.schedule import epoch_sizes

TRAIN_OVER_FORWARD = 3.5  # a training step costs a forward pass, a backward pass of twice that, and the optimiser
RENDERED_PER_S, DECODED_PER_S = 40.0, 400.0
EVALUATION_S = 10.0


def stage_weights(config: RunConfig, student_stages: list[str]) -> dict[str, float]:
    """Guessed seconds of each stage. Only their proportions matter: the guess is corrected as stages finish."""
    images, train_images = cohort_size(config.data)
    teacher_s, student_s = (_forward_s(a, config.data.image_size) for a in (config.teacher_arch, config.student_arch))
    taken = config.teacher_from is not None or not config.teacher_trained
    teacher = 1.0 if taken else _training_s(config.teacher_train, train_images, teacher_s, config.data.image_size)
    student = _training_s(config.student_train, train_images, student_s, config.data.image_size)
    asked = train_images * (config.student_train.warm_epochs + config.student_train.epochs) * teacher_s
    distilled = student + (asked if config.objective.view == "same" else 0.0)
    return {
        "data": images / (RENDERED_PER_S if config.data.kind == "phantom" else DECODED_PER_S),
        "teacher": teacher,
        "teacher-logits": images * teacher_s,
        **{stage: distilled if stage.startswith("distilled") else student for stage in student_stages},
        "metrics": EVALUATION_S,
    }


def _training_s(train: TrainConfig, images: float, forward_s: float, size: int) -> float:
    epochs = sum((side / size) ** 2 for side in epoch_sizes(train, size))
    return images * epochs * forward_s * TRAIN_OVER_FORWARD


def _forward_s(arch: str, size: int) -> float:
    """Seconds an image, over a small batch, after one run to warm up."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        model = build(arch, CHESTXRAY14, size).eval().to(memory_format=torch.channels_last)
        images = torch.zeros(4, 1, size, size)
        model(images)
        began = time.perf_counter()
        model(images)
    return (time.perf_counter() - began) / len(images)
