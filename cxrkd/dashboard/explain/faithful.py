"""The section *Is it true?* of the Explain page: a map put to the proof, where somebody asks for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from cxrkd.answers.explanation import Explanation
from cxrkd.answers.faithful import FilmFaithfulness, Steadiness, price, removal_of, steadiness_of
from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import layout
from cxrkd.dashboard.charts import faithful as charts
from cxrkd.dashboard.explain import computing
from cxrkd.dashboard.tables import minus
from cxrkd.explain.faithful import LINE_TITLES, RANDOM, Faithfulness, Held
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.text import number

TITLES = {
    "deletion": "Area under deletion, low is good",
    "insertion": "Area under insertion, high is good",
    "gain": "Insertion minus deletion",
    "road": "ROAD, hidden cells imputed",
}
WHAT = (
    "Cells of the film are hidden by its blur, those first that the map calls most relevant. If the map is true the "
    "answer falls sooner than by a ranking that has not seen the film, and comes back sooner when they are shown."
)


def show(run: Run, film: Film, explanation: Explanation, label: str) -> None:
    """The whole section."""
    st.header("Is it true?", anchor=False)
    st.caption(WHAT)
    help_ = f"about {price(explanation)} altered films are shown to the model"
    if not st.toggle("Put a map to the proof", key="prove", help=help_):
        return
    titles = {MEMBER_NAMES[member]: member for member in explanation.members}
    member = titles[layout.choose("Whose map", list(titles), next(iter(titles)), key="prove_member")]
    asked = computing.Proving(run, film, explanation, member)
    hidden = removal_of(explanation, asked.answering, film.pixels, label, steps=asked.steps)[member]
    _curves(member, hidden)
    imputed = removal_of(explanation, asked.answering, film.pixels, label, impute=True, steps=asked.steps)[member]
    steadiness = steadiness_of(
        explanation, member, asked.itself, film.pixels, label, steps=asked.steps, twin=asked.twin
    )
    proof = FilmFaithfulness(hidden, imputed, steadiness)
    held = proof.held()
    layout.table(areas_table(held), height="content", key="prove_areas")
    st.markdown(sentence(member, held))
    if steadiness is not None:
        _weights(member, steadiness)


def _curves(member: str, proof: Faithfulness) -> None:
    own, every = proof.own, [one for draws in proof.rivals.values() for one in draws]
    drawn = [*every, *([own] if own else [])]
    span = charts.logit_span(*(curve for one in drawn for curve in (one.deletion, one.insertion)))
    for cell, way in zip(layout.side_by_side(), charts.WAYS, strict=True):
        rivals = {name: getattr(draws[0], way) for name, draws in proof.rivals.items() if name != RANDOM}
        random = np.stack([getattr(one, way) for one in proof.rivals[RANDOM]])
        chart = charts.removal(member, way, getattr(own, way) if own else None, random, rivals, LINE_TITLES, span)
        with cell:
            layout.chart(chart, key=f"prove_{way}", alt=f"Logit of {MEMBER_NAMES[member]} by {way} of cells")


def _weights(member: str, steadiness: Steadiness) -> None:
    left, right = layout.side_by_side()
    with left:
        chart = charts.cascade(member, steadiness.shares, steadiness.left, steadiness.other_film.high)
        layout.chart(chart, key="prove_cascade", alt="What is left of the map as weights are drawn anew")
    with right:
        for line in steadiness_sentences(steadiness):
            st.markdown(line)


def areas_table(held: list[Held]) -> pd.DataFrame:
    """A row a figure: of the map, and what a ranking has to beat that has not seen the film."""
    rows = []
    for one in held:
        row = {"Logit": TITLES[one.figure], "Its map": number(one.value, 2, sign=True)}
        row |= {LINE_TITLES[line.name].capitalize(): number(line.high, 2, sign=True) for line in one.lines}
        rows.append(row | {"Verdict": one.verdict})
    return pd.DataFrame(rows).map(minus)


def sentence(member: str, held: list[Held]) -> str:
    """What deletion and insertion say together."""
    gain = next(one for one in held if one.figure == "gain")
    return f"{MEMBER_NAMES[member]}, insertion minus deletion: {gain.verdict}."


def steadiness_sentences(steadiness: Steadiness) -> list[str]:
    """Whether the map hangs on the weights, and whether it stands still under noise."""
    left, other = (minus(number(one, 2, sign=True)) for one in (steadiness.left[-1], steadiness.other_film.high))
    with_weights = {
        True: f"It hangs on the weights: with all of them drawn anew it keeps a rank correlation of {left} with "
        f"itself, and maps of other films reach {other} (grey).",
        False: f"It does not hang on the weights: with all of them drawn anew it keeps a rank correlation of {left} "
        f"with itself, more than maps of other films do, {other} (grey). So would an edge detector.",
        None: f"With all weights drawn anew it keeps a rank correlation of {left} with itself; what maps of other "
        "films have in common with it is not known.",
    }[steadiness.hangs_on_weights]
    apart = f"; maps of other films are {number(steadiness.other_films, 2)} away" if steadiness.other_films > 0 else ""
    under_noise = (
        f"Max-sensitivity: noise that nobody sees changes it by {number(steadiness.sensitivity, 2)} of its length at "
        f"most{apart}."
    )
    return [with_weights, under_noise]
