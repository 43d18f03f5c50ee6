"""Does a map look at the lesion? Figures against a known mask, each with what chance would give beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
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
        otsu_iou: of the lesion and what Otsu's threshold (IEEE Trans. SMC 1979) takes of the positive evidence, which
            is drawn without knowing how large the lesion is: the procedure of CheXlocalize.
    """

    hit: bool
    energy: float
    area: float
    iou: float
    otsu_iou: float

    @property
    def energy_gain(self) -> float:
        """Energy in the lesion as a multiple of what a uniform map would have there."""
        return self.energy / self.area

    def to_dict(self) -> dict[str, float | bool]:
        """Fields and `energy_gain`, for JSON and tables."""
        return asdict(self) | {"energy_gain": self.energy_gain}


def _hottest(heat: np.ndarray, n: int) -> np.ndarray:
    hottest = np.zeros(heat.size, dtype=bool)
    hottest[np.argsort(-heat.reshape(-1), kind="stable")[:n]] = True
    return hottest.reshape(heat.shape)


def otsu_segment(positive: np.ndarray) -> np.ndarray:
    """What Otsu's threshold takes of positive evidence (H, W), bool; all of it where it is the same everywhere.

    Min to max becomes 0 to 255 in whole steps, as CheXlocalize has it (Saporta et al., Nat Mach Intell 2022).
    """
    low, high = float(positive.min()), float(positive.max())
    if low == high:
        return np.ones(positive.shape, bool)
    grey = (255 * ((positive - low) / (high - low))).astype(np.uint8)
    return np.asarray(cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[1] > 0)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def lesion_hit(heat: np.ndarray, mask: np.ndarray) -> LesionHit:
    """Hold a raw signed map against a lesion (hit rate and IoU: Saporta et al., Nat Mach Intell 2022).

    A map without positive evidence hits nothing: hit False, energy NaN, both IoU 0.

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
        return LesionHit(hit=False, energy=float("nan"), area=area, iou=0.0, otsu_iou=0.0)
    return LesionHit(
        hit=bool(mask.reshape(-1)[np.argmax(full)]),
        energy=float(positive[mask].sum()) / total,
        area=area,
        iou=_iou(_hottest(full, int(mask.sum())), mask),
        otsu_iou=_iou(otsu_segment(positive), mask),
    )
