"""The fourteen findings: how each one bends the anatomy (`reshape`) and what it draws (`draw`)."""

from __future__ import annotations

from collections.abc import Callable

from cxrkd.data.phantom.anatomy import Shape
from cxrkd.data.phantom.film import Film
from cxrkd.data.phantom.findings import airspace, focal, interstitial, pleura
from cxrkd.data.phantom.findings.plan import Finding, plan, reshape

_DRAW: dict[str, Callable[[Film, Shape, Finding], None]] = {
    "Emphysema": interstitial.emphysema,
    "Edema": interstitial.edema,
    "Fibrosis": interstitial.fibrosis,
    "Infiltration": airspace.infiltration,
    "Pneumonia": airspace.pneumonia,
    "Consolidation": airspace.consolidation,
    "Atelectasis": airspace.atelectasis,
    "Mass": focal.mass,
    "Nodule": focal.nodule,
    "Hernia": focal.hernia,
    "Cardiomegaly": focal.cardiomegaly,
    "Pleural_Thickening": pleura.thickening,
    "Pneumothorax": pleura.pneumothorax,
    "Effusion": pleura.effusion,
}


def draw(film: Film, healthy: Shape, findings: list[Finding]) -> None:
    """Draw findings on a film laid out with the reshaped anatomy; `healthy` is the anatomy before `reshape`."""
    by_label = {finding.label: finding for finding in findings}
    for label, paint in _DRAW.items():
        if label in by_label:
            paint(film, healthy, by_label[label])


__all__ = ["Finding", "draw", "plan", "reshape"]
