"""Radiologists beside the networks: their marks in a ROC diagram, and what each network reaches."""

from __future__ import annotations

import pandas as pd

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import tables
from cxrkd.dashboard.charts.quality import ReaderMark
from cxrkd.evaluate.readers import MemberReach, ReaderPoint, ReaderReach, ReaderStudy
from cxrkd.evaluate.wording import reach_sentence, reference_sentence
from cxrkd.labels import display_name
from cxrkd.text import number


def marks(study: ReaderStudy, label: str) -> list[ReaderMark]:
    """The readers of one finding, as `charts.quality.roc` draws them; those without enough cases are left out."""
    return [
        ReaderMark(1 - point.specificity, point.sensitivity, _text(point), not point.in_reference)
        for point in study.at(label)
    ]


def _text(point: ReaderPoint) -> str:
    sensitivity = tables.with_interval(point.sensitivity, point.sensitivity_low, point.sensitivity_high, digits=2)
    specificity = tables.with_interval(point.specificity, point.specificity_low, point.specificity_high, digits=2)
    return f"{point.reader}: sensitivity {sensitivity}, specificity {specificity}, {point.n} films"


def reach_at(study: ReaderStudy, label: str) -> pd.DataFrame:
    """One finding at a glance: a row a reader, each network's difference and the word that its interval comes to."""
    rows = []
    for point in study.at(label):
        row: dict[str, object] = {"Radiologist": _name(point)}
        for reach in study.members:
            one = next(one for one in reach.rows if (one.label, one.reader) == (label, point.reader))
            row[MEMBER_NAMES.get(reach.member, reach.member)] = tables.minus(
                f"{number(one.diff, 2, sign=True)}{f', {one.word}' if one.word else ''}"
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _name(point: ReaderPoint) -> str:
    return f"{point.reader} (part of the reference)" if point.in_reference else point.reader


def reach_table(study: ReaderStudy) -> pd.DataFrame:
    """A row a finding and reader: the reader's point, and each network's sensitivity at the reader's specificity."""
    of = {reach.member: {(row.label, row.reader): row for row in reach.rows} for reach in study.members}
    rows = []
    for point in (point for label in study.labels for point in study.at(label)):
        row: dict[str, object] = {
            "Finding": display_name(point.label),
            "Radiologist": _name(point),
            "Sensitivity": tables.with_interval(
                point.sensitivity, point.sensitivity_low, point.sensitivity_high, digits=2
            ),
            "Specificity": tables.with_interval(
                point.specificity, point.specificity_low, point.specificity_high, digits=2
            ),
        }
        row |= {_title(member): _cell(reaches[point.label, point.reader]) for member, reaches in of.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _title(member: str) -> str:
    return f"{MEMBER_NAMES.get(member, member)} − radiologist"


def _cell(row: ReaderReach) -> str:
    shown = tables.with_interval(row.diff, row.low, row.high, digits=2, sign=True)
    return f"{shown}, {row.word}" if row.word else shown


def in_words(study: ReaderStudy) -> str:
    """What each network reaches, and which readers count."""
    return " ".join([*(_sentence(reach) for reach in study.members), reference_sentence(study)])


def _sentence(reach: MemberReach) -> str:
    title, sentence = MEMBER_NAMES.get(reach.member, reach.member), reach_sentence(reach)
    return f"{title}: {sentence[:1].lower()}{sentence[1:]}"
