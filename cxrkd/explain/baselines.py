"""What an agreement of two models is held against: noisy teacher, random student, other films, a bump in the middle."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from cxrkd.explain.cam import grad_cams
from cxrkd.explain.reference import Reference

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

M = TypeVar("M", bound=nn.Module)

N_NOISY, N_RANDOM = 4, 2
# Standard deviation on [0, 1]: five grey levels of 255, which a reader would not call another image.
NOISE = 0.02


@dataclass(frozen=True)
class Baselines:
    """What agreement is held against, for one image, pair of models and method; see `baselines`.

    Attributes:
        noisy_teacher: float32 (n, K, h, w), the teacher's maps of n noisy copies of the image.
        random_student: float32 (m, K, h', w'), maps of m students with freshly drawn weights.
        reference: the student's maps of other films; None where none are kept, and then no agreement is above chance.
    """

    noisy_teacher: np.ndarray
    random_student: np.ndarray
    reference: Reference | None = None


def centre_prior(shape: tuple[int, int]) -> np.ndarray:
    """A Gaussian bump (h, w) in the middle with a standard deviation of a quarter of the image."""
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in shape)
    return np.exp(-(y[:, None] ** 2 + x[None] ** 2) / (2 * 0.25**2))


def random_twin(model: M, seed: int) -> M:
    """A copy with freshly drawn weights (He et al. 2015), norms at identity; the global random state is not touched."""
    twin = copy.deepcopy(model)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in twin.named_parameters():
            if value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=draw) * (2 / value[0].numel()) ** 0.5)
            else:
                value.fill_(0.0 if name.endswith("bias") else 1.0)
        for name, buffer in twin.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.fill_(float(name.endswith("var")))
    return twin.eval()


def baselines(
    teacher: Classifier,
    student: Classifier,
    x: Tensor,
    method: str = "gradcam",
    reference: Reference | None = None,
    *,
    n_noisy: int = N_NOISY,
    n_random: int = N_RANDOM,
    seed: int = 0,
) -> Baselines:
    """Maps that give chance line and ceiling: `n_noisy` teacher and `n_random` random-student forward passes.

    Args:
        teacher: in eval mode, float32.
        student: in eval mode, float32; only its architecture is used.
        x: float32 (1, 1, H, W) in [0, 1].
        method: one of CAM_METHODS, that of the maps which will be compared.
        reference: the student's maps of other films by the same method, where they are kept.
        n_noisy: copies of the image with noise of standard deviation NOISE.
        n_random: draws of weights; each gives one map a label.
        seed: of noise and weights.
    """
    random = [random_maps(student, x, method, seed + i) for i in range(n_random)]
    return Baselines(noisy_maps(teacher, x, method, n_noisy, seed), np.stack(random), reference)


def noisy_maps(teacher: Classifier, x: Tensor, method: str, n_noisy: int = N_NOISY, seed: int = 0) -> np.ndarray:
    """Maps (n_noisy, K, h, w) of the image under light noise; the same for every student."""
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn((n_noisy, *x.shape[1:]), generator=draw) * NOISE
    return grad_cams(teacher, (x.cpu() + noise).clamp(0, 1).to(x.device), method)[0]


def random_maps(student: Classifier, x: Tensor, method: str, seed: int) -> np.ndarray:
    """Maps (K, h, w) of a student of freshly drawn weights."""
    return np.asarray(grad_cams(random_twin(student, seed), x, method)[0][0])
