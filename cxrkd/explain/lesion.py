"""Does a map look at the lesion? Figures against a known mask, each with what chance would give beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from cxrkd.explain.overlay import upsample


@dataclass(frozen=True)
class LesionHit:
    """One map against one lesion mask.

    Attributes:
        hit: the maximum lies in the lesion (pointing game); chance gives `area`.
        energy: share of the positive evidence that lies in the lesion; a uniform map gives `area`.
        area: share of the image that is lesion.
        iou: of the lesion and as many of the hottest pixels; chance gives about area / (2 - area).
    """

    hit: bool
    energy: float
    area: float
    iou: float

    @property
    def energy_gain(self) -> float:
        """Energy in the lesion as a multiple of what a uniform map would have there."""
        return self.energy / self.area

    def to_dict(self) -> dict[str, float | bool]:
        """Fields and `energy_gain`, for JSON and tables."""
        return asdict(self) | {"energy_gain": self.energy_gain}


def _hottest_iou(heat: np.ndarray, mask: np.ndarray) -> float:
    hottest = np.zeros(heat.size, dtype=bool)
    hottest[np.argsort(-heat.reshape(-1), kind="stable")[: int(mask.sum())]] = True
    inside = mask.reshape(-1)
    return float((hottest & inside).sum() / (hottest | inside).sum())


def lesion_hit(heat: np.ndarray, mask: np.ndarray) -> LesionHit:
    """Hold a raw signed map against a lesion (hit rate and IoU: Saporta et al., Nat Mach Intell 2022).

    A map without positive evidence hits nothing: hit False, energy NaN, IoU 0.

    Args:
        heat: (h, w), raw and signed, on any grid; brought to the mask's by bilinear interpolation.
        mask: bool (H, W), not empty.

    Raises:
        ValueError: the mask is empty, which means that the label is absent and there is nothing to hit.
    """
    if not mask.any():
        raise ValueError("expected a lesion mask with at least one pixel; the label has none on this image")
    full = upsample(heat, mask.shape)
    positive = np.maximum(full, 0, dtype=np.float64)
    total, area = float(positive.sum()), float(mask.mean())
    if total == 0:
        return LesionHit(hit=False, energy=float("nan"), area=area, iou=0.0)
    return LesionHit(
        hit=bool(mask.reshape(-1)[np.argmax(full)]),
        energy=float(positive[mask].sum()) / total,
        area=area,
        iou=_hottest_iou(full, mask),
    )
