"""What is said beside the maps: agreement and lesion as rows, tables and sentences. No Streamlit, no models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.charts.agreement import AgreementRow
from cxrkd.dashboard.tables import minus
from cxrkd.explain.agreement import Judged
from cxrkd.explain.lesion import LesionHit
from cxrkd.labels import display_name


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


def agreement_rows(agreements: Mapping[str, Judged]) -> list[AgreementRow]:
    """Student -> agreement with the teacher, as chart rows; lines that were not measured are left out."""
    return [
        AgreementRow(m, a.spearman, {line.title: line.high for line in a.lines if not line.missing}, a.ceiling_spearman)
        for m, a in agreements.items()
    ]


def agreement_sentence(member: str, judged: Judged) -> str:
    """What the figures say, in words."""
    name = MEMBER_NAMES[member].lower()
    value = "" if math.isnan(judged.spearman) else minus(f"{judged.spearman:.2f}, ")
    return f"Teacher and {name}: {value}{judged.verdict}."


def agreement_table(agreements: Mapping[str, Judged]) -> pd.DataFrame:
    """Every figure with its chance lines and ceiling, a row a figure and a column a pair."""
    columns = {MEMBER_NAMES[m]: judged.rows() for m, judged in agreements.items()}
    titles = list(next(iter(columns.values())))
    return pd.DataFrame({"Teacher and …": titles, **{name: list(rows.values()) for name, rows in columns.items()}})


def lesion_table(hits: Mapping[str, LesionHit]) -> pd.DataFrame:
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
            for member, hit in hits.items()
        ]
    )


def no_lesion(label: str, truth: Sequence[str] | None) -> str:
    """Why there is no lesion to hold the maps against, and which label would have one."""
    name = display_name(label)
    if truth is None:
        return f"Nobody marked {name.lower()} on this film, so there is no truth to hold the maps against."
    if label in truth:
        return f"{name} is present on this film, but nobody marked where, so there is nothing to hold the maps against."
    present = ", ".join(display_name(other).lower() for other in truth)
    choose = f"Present are: {present}." if present else "It shows no finding at all."
    return f"{name} is not present on this film, so there is no lesion to hit. {choose}"
