"""Maps of several members -> panels, colour bar and rows of figures. No Streamlit, no models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from cxrkd.answers.calls import call_of
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.charts.agreement import AgreementRow
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.explain.controls import Look
from cxrkd.dashboard.pictures import Outline, Panel, grey_to_rgb
from cxrkd.explain.agreement import Judged
from cxrkd.explain.lesion import LesionHit
from cxrkd.explain.lime_agreement import LimeAgreement
from cxrkd.explain.overlay import SCALES, SIGNED_COLORMAPS, Scale, colour_scales, colour_table, overlay, shared_scale
from cxrkd.labels import display_name

_COLOURS_IN_BAR = 17
_BAR_TITLES = {"strong": "share of strong evidence", "own": "share of each map's maximum"}
_OTHER_LABELS = {"… student's maps of other labels, mean": "other_labels_spearman"}
_CAM_ROWS = (
    {
        "Overlap (IoU) of the hottest 20 % of cells": "topk_iou",
        "… its chance: random students, mean": "chance_topk_iou",
        "… its ceiling: teacher under light noise": "ceiling_topk_iou",
        "Cosine of the raw maps": "cosine",
        "Distance of the maxima, % of the diagonal": "peak_distance",
    },
    {"… ceiling: teacher under light noise": "ceiling_spearman", **_OTHER_LABELS},
)
_LIME_ROWS = (
    {
        "Share of the teacher's top superpixels found": "top_overlap",
        "… its chance: random rankings": "chance_top_overlap",
        "Same sign": "sign",
    },
    {"… ceiling: equal models, other masks": "ceiling_spearman", **_OTHER_LABELS},
)


def panels(
    pixels: np.ndarray,
    heats: Mapping[str, np.ndarray],
    look: Look,
    notes: Mapping[str, str],
    outlines: Sequence[Outline] = (),
    strong: Mapping[str, float] | None = None,
) -> list[Panel]:
    """One panel a member: the film with its map, or the bare film where heat is switched off.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heats: member -> raw signed map (h, w).
        look: colour map, opacity, scale, heat on or off.
        notes: member -> lines under its name.
        outlines: lesion truth.
        strong: member -> what strong evidence is, where it is known.
    """
    _, scales = colour_scales(heats, look.scale, strong, signed=look.colormap in SIGNED_COLORMAPS)
    found = []
    for member, heat in heats.items():
        coloured = overlay(pixels, heat, colormap=look.colormap, opacity=look.opacity, scale=scales[member])
        rgb = coloured if look.heat else grey_to_rgb(pixels)
        found.append(Panel(MEMBER_NAMES[member], rgb, tuple(outlines), notes[member]))
    return found


def colour_bar(
    heats: Mapping[str, np.ndarray], look: Look, unit: str, strong: Mapping[str, float] | None = None
) -> ColourBar | None:
    """The colour bar: raw units on a shared scale, else a share of each map's own scale; None without evidence."""
    signed = look.colormap in SIGNED_COLORMAPS
    top = shared_scale(heats.values(), signed=signed)
    if top == 0 or not look.heat:
        return None
    used, _ = colour_scales(heats, look.scale, strong, signed=signed)
    steps = np.linspace(0, 255, _COLOURS_IN_BAR).astype(int)
    table = colour_table(look.colormap)[steps]
    colours = [(i / (_COLOURS_IN_BAR - 1), f"rgb({r},{g},{b})") for i, (r, g, b) in enumerate(table.tolist())]
    high, title = (top, unit) if used == "shared" else (1.0, _BAR_TITLES[used])
    return ColourBar(colours, -high if signed else 0.0, high, title)


def scales_for(strong: Mapping[str, float], members: Sequence[str]) -> list[Scale]:
    """The scales that there are for some maps, the default first."""
    return list(SCALES) if set(members) <= set(strong) else [scale for scale in SCALES if scale != "strong"]


def panel_note(prob: float, threshold: float, outside: float) -> str:
    """Three short lines above a panel: probability and call, the threshold, and how much evidence is outside the body.

    Short, because three panels share the width of a small screen.
    """
    said = "no answer" if math.isnan(prob) else f"{prob:.1%}"
    cut = "no threshold" if math.isnan(threshold) else f"threshold {threshold:.1%}"
    where = "no positive evidence" if math.isnan(outside) else f"{outside:.0%} outside the body"
    return f"{said}, {call_of(prob, threshold)}\n{cut}\n{where}"


def no_call_sentence(labels: Sequence[str], thresholds: Mapping[str, np.ndarray], *, opened: bool) -> str:
    """That no model calls anything, of how many findings they could, and what is shown instead.

    Args:
        labels: K names.
        thresholds: by member, (K,); NaN where it cannot call the label.
        opened: the most probable label is shown.
    """
    known = ~np.isnan(np.stack(list(thresholds.values())))
    callable_ = [label for label, one in zip(labels, known.any(axis=0), strict=True) if one]
    shown = " Shown is the most probable label." if opened else ""
    if not callable_:
        return f"No model can call any of these {len(labels)} findings: none has a threshold.{shown}"
    if len(callable_) == 1:
        only = display_name(callable_[0]).lower()
        return f"No model calls {only}, the one of {len(labels)} findings that they can call.{shown}"
    return f"No model calls any of the {len(callable_)} of {len(labels)} findings that they can call.{shown}"


def without_evidence(heats: Mapping[str, np.ndarray]) -> list[str]:
    """Members whose map has nothing that speaks for the label."""
    return [member for member, heat in heats.items() if not (heat > 0).any()]


def agreement_rows(found: Mapping[str, Judged]) -> list[AgreementRow]:
    """Student -> agreement with the teacher, as chart rows; lines that were not measured are left out."""
    return [
        AgreementRow(m, a.spearman, {line.title: line.high for line in a.lines if not line.missing}, a.ceiling_spearman)
        for m, a in found.items()
    ]


def agreement_sentence(member: str, found: Judged) -> str:
    """What the figures say, in words."""
    name = MEMBER_NAMES[member].lower()
    value = "" if math.isnan(found.spearman) else f"{found.spearman:.2f}, "
    return f"Teacher and {name}: {value}{found.verdict}."


def agreement_table(found: Mapping[str, Judged]) -> pd.DataFrame:
    """Every figure with its chance lines and ceiling, a row a figure and a column a pair."""
    first = next(iter(found.values()))
    lime = isinstance(first, LimeAgreement)
    lines = {f"… chance: {line.title}": (lambda a, i=i: a.lines[i].high) for i, line in enumerate(first.lines)}
    other, ceiling = _LIME_ROWS if lime else _CAM_ROWS
    rows: dict[str, Callable[[Any], float]] = {"Rank correlation (Spearman)": lambda a: a.spearman, **lines}
    rows |= {title: attrgetter(name) for title, name in {**ceiling, **other}.items()}
    columns = {MEMBER_NAMES[m]: [row(a) for row in rows.values()] for m, a in found.items()}
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


def no_lesion(label: str, truth: Sequence[str] | None) -> str:
    """Why there is no lesion to hold the maps against, and which label would have one."""
    if truth is None:
        return f"Nobody marked {label.lower()} on this film, so there is no truth to hold the maps against."
    present = ", ".join(display_name(name).lower() for name in truth)
    choose = f"Present are: {present}." if present else "It shows no finding at all."
    return f"{label} is not present on this film, so there is no lesion to hit. {choose}"
