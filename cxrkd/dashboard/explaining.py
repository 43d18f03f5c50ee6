"""Maps of several members -> panels, colour bar and rows of figures. No Streamlit, no models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard.charts.agreement import AgreementRow
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.look import Look
from cxrkd.dashboard.pictures import Outline, Panel, grey_to_rgb
from cxrkd.explain import Agreement, LesionHit, LimeAgreement, colour_table, overlay, shared_scale
from cxrkd.explain.overlay import SIGNED_COLORMAPS
from cxrkd.labels import display_name

_COLOURS_IN_BAR = 17


def panels(
    pixels: np.ndarray,
    heats: Mapping[str, np.ndarray],
    look: Look,
    notes: Mapping[str, str],
    outlines: Sequence[Outline] = (),
) -> list[Panel]:
    """One panel a member: the film with its map, or the bare film where heat is switched off.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heats: member -> raw signed map (h, w).
        look: colour map, opacity, shared scale, heat on or off.
        notes: member -> line under its name.
        outlines: lesion truth.
    """
    signed = look.colormap in SIGNED_COLORMAPS
    scale = shared_scale(heats.values(), signed=signed) if look.shared else None
    found = []
    for member, heat in heats.items():
        coloured = overlay(pixels, heat, colormap=look.colormap, opacity=look.opacity, scale=scale)
        rgb = coloured if look.heat else grey_to_rgb(pixels)
        found.append(Panel(MEMBER_NAMES[member], rgb, tuple(outlines), notes[member]))
    return found


def colour_bar(heats: Mapping[str, np.ndarray], look: Look, unit: str) -> ColourBar | None:
    """The colour bar: raw units on a shared scale, else the share of each map's own maximum; None without evidence."""
    signed = look.colormap in SIGNED_COLORMAPS
    top = shared_scale(heats.values(), signed=signed)
    if top == 0 or not look.heat:
        return None
    steps = np.linspace(0, 255, _COLOURS_IN_BAR).astype(int)
    table = colour_table(look.colormap)[steps]
    colours = [(i / (_COLOURS_IN_BAR - 1), f"rgb({r},{g},{b})") for i, (r, g, b) in enumerate(table.tolist())]
    high, title = (top, unit) if look.shared else (1.0, "share of each map's maximum")
    return ColourBar(colours, -high if signed else 0.0, high, title)


def without_evidence(heats: Mapping[str, np.ndarray]) -> list[str]:
    """Members whose map has nothing that speaks for the label."""
    return [member for member, heat in heats.items() if not (heat > 0).any()]


def agreement_rows(found: Mapping[str, Agreement]) -> list[AgreementRow]:
    """Student -> agreement with the teacher, as chart rows."""
    return [
        AgreementRow(m, a.spearman, a.chance_spearman, a.chance_high_spearman, a.ceiling_spearman)
        for m, a in found.items()
    ]


def agreement_sentence(member: str, found: Agreement) -> str:
    """What the figures say, in words."""
    name = MEMBER_NAMES[member].lower()
    if math.isnan(found.spearman):
        return f"Teacher and {name}: a map is flat, so agreement is not defined."
    verdict = "above chance" if found.above_chance else "not above chance"
    return f"Teacher and {name}: {found.spearman:.2f}, {verdict}."


def agreement_table(found: Mapping[str, Agreement]) -> pd.DataFrame:
    """Every figure with its chance line and ceiling, a row a figure and a column a pair."""
    rows = {
        "Spearman, all cells": "spearman",
        "… chance: random student, mean": "chance_spearman",
        "… chance: random student, 95th percentile": "chance_high_spearman",
        "… student's maps of other labels, mean": "other_labels_spearman",
        "… a bump in the middle of the film": "centre_spearman",
        "… ceiling: teacher under light noise": "ceiling_spearman",
        "Overlap (IoU) of the hottest 20 % of cells": "topk_iou",
        "… its chance: random student": "chance_topk_iou",
        "… its ceiling: teacher under light noise": "ceiling_topk_iou",
        "Cosine of the raw maps": "cosine",
        "Distance of the maxima, % of the diagonal": "peak_distance",
    }
    columns = {MEMBER_NAMES[m]: [getattr(a, field) for field in rows.values()] for m, a in found.items()}
    return pd.DataFrame({"Teacher and …": list(rows), **columns})


def lime_table(found: Mapping[str, LimeAgreement]) -> pd.DataFrame:
    """LIME weights of teacher and student over the same superpixels."""
    rows = {
        "Spearman of the weights": "spearman",
        "… student's weights for other labels, mean": "other_labels_spearman",
        "… ceiling: sampling noise": "ceiling_spearman",
        "Share of the teacher's top superpixels found": "top_overlap",
        "… chance": "chance_top_overlap",
        "Same sign": "sign",
    }
    columns = {MEMBER_NAMES[m]: [getattr(a, field) for field in rows.values()] for m, a in found.items()}
    return pd.DataFrame({"Teacher and …": list(rows), **columns})


def lesion_table(found: Mapping[str, LesionHit]) -> pd.DataFrame:
    """Does each map look at the lesion? With what a uniform map would score."""
    return pd.DataFrame(
        [
            {
                "Model": MEMBER_NAMES[member],
                "Peak inside": "yes" if hit.hit else "no",
                "Evidence inside": hit.energy,
                "Chance": hit.area,
                "× chance": hit.energy_gain,
                "IoU": hit.iou,
            }
            for member, hit in found.items()
        ]
    )


def showcase(
    logits: Mapping[Member, np.ndarray],
    thresholds: Mapping[Member, np.ndarray],
    targets: np.ndarray,
    preferred: Sequence[int] = (),
) -> tuple[int, int] | None:
    """The case and label (n, k) that all members recognise most clearly; None without a positive case.

    Args:
        logits: member -> (N, K).
        thresholds: member -> probabilities (K,).
        targets: (N, K); a case counts only where its label is present.
        preferred: labels to choose from if one of them is present anywhere, for example those with a small lesion.
    """
    among = np.isin(np.arange(targets.shape[1]), preferred) & (targets == 1).any(axis=0)
    targets = np.where(among, targets, 0) if among.any() else targets
    margins = [expit(logits[member]) - thresholds[member] for member in logits]
    if not (targets == 1).any():
        return None
    worst = np.where(targets == 1, np.nan_to_num(np.min(margins, axis=0), nan=-1.0), -2.0)
    n, k = np.unravel_index(np.argmax(worst), worst.shape)
    return int(n), int(k)


def no_lesion(label: str, truth: Sequence[str] | None) -> str:
    """Why there is no lesion to hold the maps against, and which label would have one."""
    if truth is None:
        return f"Nobody marked {label.lower()} on this upload, so there is no truth to hold the maps against."
    present = ", ".join(display_name(name).lower() for name in truth)
    choose = f"Present are: {present}." if present else "It shows no finding at all."
    return f"{label} is not present on this film, so there is no lesion to hit. {choose}"
