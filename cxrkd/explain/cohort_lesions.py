"""Do maps point at lesions, over many films? Beside each figure what maps get that never looked at the film.

Those are a bump in the middle, and the network's own mean map of the label over films of other patients: what it knows
of where such findings lie in general. Only above both does a map say something about this film.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cxrkd.explain.cohort_agreement import means_of_others
from cxrkd.explain.lesion import LesionHit, lesion_hit
from cxrkd.explain.yardsticks import centre_prior

MEASURES = ("hit", "energy", "iou", "otsu_iou")
OWN, LABEL_MEAN, CENTRE = "own", "label_mean", "centre"
RIVALS = (LABEL_MEAN, CENTRE)
"""Maps that have not seen the film."""


@dataclass(frozen=True, eq=False)
class CohortLesions:
    """Maps against M marked findings.

    Attributes:
        films: int (M,), which film. labels: int (M,), which label.
        area: float64 (M,), share of the film that is marked.
        figures: by map (OWN and RIVALS), by name of MEASURES, float64 (M,); energy is NaN of a map without evidence.
    """

    films: np.ndarray
    labels: np.ndarray
    area: np.ndarray
    figures: Mapping[str, Mapping[str, np.ndarray]]


def cohort_lesions(maps: np.ndarray, patients: np.ndarray, masks: Callable[[int], np.ndarray]) -> CohortLesions:
    """Hold a network's maps against every marked finding.

    Args:
        maps: raw and signed (N, K, h, w).
        patients: (N,); the mean map is over films of other patients.
        masks: number of a film -> bool (K, S, S), all False where nothing is marked.
    """
    mean, centre = means_of_others(maps, patients), centre_prior((maps.shape[-2], maps.shape[-1]))
    where: list[tuple[int, int]] = []
    hits: dict[str, list[LesionHit]] = {name: [] for name in (OWN, *RIVALS)}
    for n in range(len(maps)):
        marked = masks(n)
        for k in np.flatnonzero(marked.any(axis=(1, 2))).tolist():
            where.append((n, k))
            for name, heat in ((OWN, maps[n, k]), (LABEL_MEAN, mean[n, k]), (CENTRE, centre)):
                hits[name].append(lesion_hit(heat, marked[k]))
    at = np.array(where, np.intp).reshape(-1, 2)
    return CohortLesions(
        films=at[:, 0],
        labels=at[:, 1],
        area=np.array([hit.area for hit in hits[OWN]]),
        figures={name: {figure: _column(of, figure) for figure in MEASURES} for name, of in hits.items()},
    )


def _column(hits: list[LesionHit], figure: str) -> np.ndarray:
    return np.array([getattr(hit, figure) for hit in hits], np.float64)
