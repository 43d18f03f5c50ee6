"""The viewer of the Explain page: films with their maps, controls beside them, and what is said below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrkd.answers.explanation import TEACHER, Explanation, outside, strong_evidence
from cxrkd.answers.truth import marked
from cxrkd.dashboard import layout
from cxrkd.dashboard.caching import visitors
from cxrkd.dashboard.captioned import captioned
from cxrkd.dashboard.charts import films as chart
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.explain import computing, grid, panels, swiped
from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.display import DIFFERENCE_HELP, Display, choose_display
from cxrkd.dashboard.explain.link import View
from cxrkd.dashboard.explain.thresholds import thresholds
from cxrkd.dashboard.pictures import Panel, outlines, strip
from cxrkd.explain.body import body_mask
from cxrkd.explain.explainer import EXPLAINERS
from cxrkd.images.film import SHORT, Film
from cxrkd.images.showing import square_of
from cxrkd.labels import display_name
from cxrkd.names import file_name
from cxrkd.runs import Run

ONE, ALL, METHODS = "One label", "All labels", "CAM and LIME"
PLOTLY = {"scrollZoom": True, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "toImage"]}
"""The wheel zooms. Plotly's own picture has no caption, so that only ours can be taken away."""
SAVED_PX = 512


def show(
    run: Run, film: Film, explanation: Explanation, view: View, pictures: DeltaGenerator, controls: DeltaGenerator
) -> None:
    """Films and controls of one view.

    Args:
        run: the chosen one.
        film: what is explained.
        explanation: of it.
        view: which label and method are shown.
        pictures: where the films go.
        controls: where the widgets go.
    """
    strong = strong_of(explanation, view.label)
    with controls:
        display = choose_display(
            marked(film, view.label) is not None,
            panels.scales_for(strong, list(explanation.members)),
            comparable=TEACHER in explanation.members and len(explanation.members) > 1,
        )
        views.offer_link(view)
    with pictures:
        kinds: dict[str, Callable[[], None]] = {
            ONE: partial(_show_label, run, film, explanation, view, display),
            ALL: partial(grid.show_labels, run, film, explanation, partial(_drawn, run, film, explanation, display)),
            METHODS: partial(_show_methods, run, film, explanation, view, display),
        }
        kind = st.segmented_control(
            "View",
            list(kinds),
            default=ONE,
            required=True,
            key=grid.VIEW,
            bind="query-params",
            label_visibility="collapsed",
        )
        kinds[str(kind or ONE)]()


def heats_of(explanation: Explanation, label: str) -> dict[str, np.ndarray]:
    """Member -> raw signed map."""
    return {str(member): explanation.heat(member, label) for member in explanation.members}


def strong_of(explanation: Explanation, label: str) -> dict[str, float]:
    """Member -> strong evidence, where it is known."""
    return {str(member): value for member, value in strong_evidence(explanation, label).items()}


def notes_of(run: Run, explanation: Explanation, label: str, body: np.ndarray) -> dict[str, str]:
    """Member -> lines over its panel."""
    k, cuts = explanation.labels.index(label), thresholds(run)
    air = outside(explanation, label, body)
    return {str(m): panels.panel_note(float(p[k]), float(cuts[m][k]), air[m]) for m, p in explanation.probs.items()}


def _pictured(film: Film, label: str) -> panels.Pictured:
    """The film as fine as it is, read once a visit."""
    kept = visitors.kept("squares")
    pixels = kept.get(film.key)
    if pixels is None:
        pixels = square_of(film)
        kept.put(film.key, pixels)
    mask, side = marked(film, label), len(film.tones)
    return panels.Pictured(pixels, side, outlines(mask) if mask is not None else ())


def _drawn(
    run: Run, film: Film, explanation: Explanation, display: Display, label: str
) -> tuple[list[Panel], dict[str, str], ColourBar | None]:
    """Panels of a label, what is said over them, and what their colours mean."""
    heats, strong = heats_of(explanation, label), strong_of(explanation, label)
    notes = notes_of(run, explanation, label, body_mask(film.pixels))
    drawn = panels.panels(_pictured(film, label), heats, display, notes, strong)
    return drawn, notes, panels.colour_bar(heats, display, explanation.explainer.unit, strong)


def _show_label(run: Run, film: Film, explanation: Explanation, view: View, display: Display) -> None:
    label, title = view.label, explanation.explainer.title
    drawn, notes, bar = _drawn(run, film, explanation, display, label)
    alt = f"Where each model sees {display_name(label)} by {title}. {panels.in_words(notes)}"
    _draw(drawn, bar, alt, film, len(drawn))
    air = 1 - body_mask(film.pixels).mean()
    if display.difference:
        st.caption(f"{DIFFERENCE_HELP} The teacher's film shows its own map.")
    st.caption(
        f"{explanation.explainer.sentence} Outside the body: share of the evidence. A map that knows nothing has "
        f"{air:.0%} there."
    )
    for member in panels.without_evidence(heats_of(explanation, label)):
        layout.notice(f"{layout.member_title(member)}: no positive evidence for {display_name(label).lower()}.")
    _offer_picture(run, film, view, drawn, bar, title)


def _show_methods(run: Run, film: Film, explanation: Explanation, view: View, display: Display) -> None:
    """The same label by a class-activation map and by LIME, a row each; each map on its own scale."""
    own = replace(display, scale="own", difference=False)
    first = EXPLAINERS["gradcam"].name if explanation.method == "lime" else explanation.method
    by_method = {method: computing.explanation(run, film, method) for method in (first, "lime")}
    rows, words = [], []
    for one in by_method.values():
        drawn, notes, bar = _drawn(run, film, one, own, view.label)
        rows += [replace(panel, title=f"{panel.title} · {one.explainer.title}") for panel in drawn]
        words.append(f"{one.explainer.title}: {panels.in_words(notes)}")
    titles = " and ".join(one.explainer.title for one in by_method.values())
    alt = f"Where each model sees {display_name(view.label)} by {titles}. {' '.join(words)}"
    members = len(explanation.members)
    _draw(rows, bar, alt, film, members)
    st.caption(
        "Units of two methods cannot be compared, so each map has a scale of its own: look at where, not how much."
    )
    _offer_picture(run, film, view, rows, bar, titles, columns=members)


def _draw(drawn: list[Panel], bar: ColourBar | None, alt: str, film: Film, columns: int) -> None:
    figure = chart.films(drawn, bar, columns=columns, revision=film.key)
    with st.container(key=swiped.WIDE):
        layout.chart(figure, key="films", alt=alt, config=PLOTLY)
    swiped.show(drawn, bar, alt.partition(". ")[0], chart.height_of(figure, columns, len(drawn) // columns))


def _offer_picture(
    run: Run, film: Film, view: View, drawn: list[Panel], bar: ColourBar | None, title: str, columns: int = 0
) -> None:
    name = f"SHA-256 of its pixels {film.digest[:SHORT]}, {film.name}" if film.digest else film.name
    lines = [
        f"{display_name(view.label)} by {title}",
        f"Film: {name}. Run: {layout.run_title(run)}.",
        layout.NOT_CLINICAL,
    ]
    picture = captioned(strip(drawn, side=SAVED_PX, columns=columns), lines, bar)
    file = file_name(f"{film.name}-{view.label}-{view.method}", n_bytes=200)
    st.download_button("Picture as PNG", picture, f"{file}.png", "image/png", icon=":material/download:")
