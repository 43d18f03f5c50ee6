"""Maps of all labels at once against one call of pytorch-grad-cam per label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import interleave, stopwatch
from cxrkd.explain.cam import grad_cam
from cxrkd.models.classifier import Classifier

GOAL = Goal(25)
TOLERANCE = 1e-5


class Tapped(nn.Module):
    """The network with an identity between features and head, for pytorch-grad-cam to hook."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model, self.tap = model, nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.model.forward_head(self.tap(self.model.forward_features(x)))


class KeepingRaw(GradCAM):
    """pytorch-grad-cam that keeps the last map before its ReLU and scaling."""

    raw: np.ndarray

    def get_cam_image(self, *args: object) -> np.ndarray:
        """The library's own map (B, h, w)."""
        self.raw = super().get_cam_image(*args)
        return self.raw


def raw_maps(cam: KeepingRaw, x: Tensor, n_labels: int) -> np.ndarray:
    """Maps (K, h, w) of pytorch-grad-cam, one call a label."""
    maps = []
    for k in range(n_labels):
        cam(x, [ClassifierOutputTarget(k)])
        maps.append(cam.raw[0].copy())
    return np.stack(maps)


def gradcam(plan: Plan) -> Iterator[Section]:
    """Speed of all maps of one image, and how far they are from pytorch-grad-cam's."""
    model, x = plan.teacher, torch.from_numpy(plan.x)
    n = len(model.labels)
    tapped = Tapped(model).eval()
    with KeepingRaw(tapped, [tapped.tap], reshape_transform=model.spatial) as cam:
        theirs_maps = raw_maps(cam, x, n)
        contenders = {
            "ours": stopwatch(lambda: grad_cam(model, x)),
            "theirs": stopwatch(lambda: raw_maps(cam, x, n)),
            "forward": stopwatch(lambda: _forward(model, x)),
        }
        timed = interleave(contenders, plan.rounds["gradcam"])
    difference = float(np.abs(grad_cam(model, x).cams - theirs_maps).max())
    floor = timed["forward"].median_ms
    yield compare(
        "Grad-CAM of all labels",
        (f"cxrkd.explain.grad_cam, {n} labels in one pass ({model.arch}, {model.input_size} px)", timed["ours"]),
        (f"pytorch-grad-cam, {n} calls", timed["theirs"]),
        goal=GOAL,
        detail={
            "max_abs_map_difference": difference,
            "max_abs_map": float(np.abs(theirs_maps).max()),
            "maps_equal": difference <= TOLERANCE,
            "forward_ms": floor,
            "largest_possible_ratio": timed["theirs"].median_ms / floor,
        },
        remark="A map needs at least one forward pass, so theirs / forward is the most that any method could reach.",
    )


def _forward(model: Classifier, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(x)
