"""Explain: where teacher and students look, side by side, and whether they agree more than chance."""

import numpy as np
import streamlit as st

from cxrkd.answers.calls import ranked
from cxrkd.answers.explanation import Explanation, outside, strong_evidence
from cxrkd.config import Member
from cxrkd.dashboard import caching, layout, sources
from cxrkd.dashboard.charts import agreement as agreement_chart
from cxrkd.dashboard.charts import films
from cxrkd.dashboard.explain import computing, figures, panels
from cxrkd.dashboard.explain.display import choose_display, choose_method
from cxrkd.dashboard.explain.refining import refining
from cxrkd.dashboard.pictures import headed, outlines, strip
from cxrkd.explain.body import body_mask
from cxrkd.explain.lesion import lesion_hit
from cxrkd.images.film import Film
from cxrkd.labels import display_name
from cxrkd.names import file_name
from cxrkd.runs import Run
from cxrkd.runs.choosing import warning_for


def choose_film(run: Run) -> tuple[Run, Film | None]:
    if sources.choose_source(run, "Image", "explain_source") == sources.SAMPLES:
        return run, sources.choose_sample(run, "explain")
    uploads = dict(sources.remember_uploads("explain_upload"))
    if not uploads:
        sources.ask_for_upload(run)
        return run, None
    layout.suit_uploads(run)
    name = st.selectbox("File", list(uploads), key="explain_file") if len(uploads) > 1 else next(iter(uploads))
    readable = sources.read_uploads(((name, uploads[name]),), run.config.data.image_size, "explain")
    return run, readable[0] if readable else None


def lesion(run: Run, film: Film, label: str) -> np.ndarray | None:
    if film.truth is None:
        return None
    mask = film.truth.masks(run.config.data.image_size)[film.truth.labels.index(label)]
    return mask if mask.any() else None


def choose_label(run: Run, explanation: Explanation, film: Film) -> str:
    probs = explanation.probs[explanation.members[0]]
    order = ranked(explanation.labels, explanation.probs, cuts_of(run, explanation))
    callers = {one.label: one.callers for one in order}

    def title(label: str) -> str:
        prob = probs[explanation.labels.index(label)]
        notes = ["no answer" if np.isnan(prob) else f"{prob:.0%}"]
        notes += ["present"] if film.present and label in film.present else []
        notes += [f"called by {callers[label]} of {len(explanation.members)}"] if callers[label] else []
        return f"{display_name(label)} ({', '.join(notes)})"

    # The key holds the film: a new film starts at a label that is called on it, or that is marked on a real one.
    options, key = list(callers), f"label_{film.key}"
    marked = [label for label in options if film.real and lesion(run, film, label) is not None]
    start = marked[0] if marked else options[0]
    chosen = st.selectbox("Label, called ones first", options, index=options.index(start), format_func=title, key=key)
    return str(chosen or start)


def say_what_is_called(run: Run, explanation: Explanation, label: str) -> None:
    cuts = cuts_of(run, explanation)
    first = ranked(explanation.labels, explanation.probs, cuts)[0]
    if not first.callers:
        sentence = figures.no_call_sentence(explanation.labels, cuts, opened=label == first.label)
        st.info(sentence, icon=":material/info:")


def cuts_of(run: Run, explanation: Explanation) -> dict[Member, np.ndarray]:
    metrics = caching.metrics(run)
    return {m: metrics.of(m).thresholds_array() for m in explanation.members}


def notes_of(run: Run, explanation: Explanation, label: str, body: np.ndarray) -> dict[str, str]:
    k, cuts = explanation.labels.index(label), cuts_of(run, explanation)
    air = outside(explanation, label, body)
    return {str(m): panels.panel_note(float(p[k]), float(cuts[m][k]), air[m]) for m, p in explanation.probs.items()}


def pictures(run: Run, film: Film, explanation: Explanation, label: str) -> None:
    mask, heats = lesion(run, film, label), heats_of(explanation, label)
    strong, body = {str(m): s for m, s in strong_evidence(explanation, label).items()}, body_mask(film.pixels)
    display = choose_display(mask is not None, panels.scales_for(strong, list(heats)))
    curves = outlines(mask) if mask is not None and display.outline else ()
    drawn = panels.panels(film.pixels, heats, display, notes_of(run, explanation, label, body), curves, strong)
    bar = panels.colour_bar(heats, display, explanation.explainer.unit, strong)
    alt = f"Where each model sees {display_name(label)}"
    file = file_name(f"{film.name}-{label}-{explanation.method}", n_bytes=200)
    layout.chart(films.films(drawn, bar), key="films", alt=alt, file=file)
    st.caption(f"Outside the body: share of the evidence. A map that knows nothing has {1 - body.mean():.0%} there.")
    for member in panels.without_evidence(heats):
        layout.notice(f"{layout.member_title(member)}: no positive evidence for {display_name(label).lower()}.")
    picture = headed(strip(drawn), f"{film.name}: {display_name(label)}")
    st.download_button("Picture as PNG", picture, f"{file}.png", "image/png", icon=":material/download:")


def heats_of(explanation: Explanation, label: str) -> dict[str, np.ndarray]:
    return {str(member): explanation.heat(member, label) for member in explanation.members}


def show_agreement(explanation: Explanation, label: str) -> None:
    rows = {str(m): a for m in explanation.members if (a := explanation.agreement(m, label)) is not None}
    if not rows:
        layout.notice("This run has no teacher to hold the maps against.")
        return
    figure = agreement_chart.agreement(figures.agreement_rows(rows))
    layout.chart(figure, key="agreement", alt="Agreement of the maps beside chance and ceiling")
    st.caption(explanation.explainer.lines)
    for member, agreement in rows.items():
        st.markdown(figures.agreement_sentence(member, agreement))
    with st.expander("All agreement figures"):
        table = figures.agreement_table(rows)
        layout.table(table, hide_index=True, key="agreement_all", column_config=layout.two_digits())


def show_fit(explanation: Explanation, label: str) -> None:
    if explanation.explainer.fit is None:
        return
    known = {layout.member_title(m): explanation.fit(m, label) for m in explanation.members}
    fits = ", ".join(f"{title} {value:.2f}" for title, value in known.items())
    layout.notice(f"{explanation.explainer.fit.sentence}: {fits}. Low means read with care.")


def show_lesion(run: Run, film: Film, explanation: Explanation, label: str) -> None:
    mask = lesion(run, film, label)
    if mask is None:
        layout.notice(figures.no_lesion(label, film.present))
        return
    hits = {member: lesion_hit(heat, mask) for member, heat in heats_of(explanation, label).items()}
    layout.table(figures.lesion_table(hits), hide_index=True, key="lesion", column_config=layout.two_digits())
    st.caption("Share of the positive evidence inside the lesion; chance is the lesion's share of the film.")


def explain(run: Run, film: Film) -> None:
    layout.film_title(film)
    if warning := warning_for(run, film.real):
        st.warning(warning, icon=":material/warning:")
    layout.about_film(film)
    left, right = st.columns([1, 2])
    with right:
        method = choose_method()
    explanation = computing.explanation(run, film, method)
    with left:
        label = choose_label(run, explanation, film)
    say_what_is_called(run, explanation, label)
    st.caption(explanation.explainer.sentence)
    pictures(run, film, explanation, label)
    with refining(run, film, explanation, label):
        left, right = layout.side_by_side()
        with right, layout.boundary():
            st.subheader("Do they look at the lesion?", anchor=False)
            show_lesion(run, film, explanation, label)
        with left, layout.boundary():  # last, because it takes longest: all else can be read meanwhile
            st.subheader("Do they look at the same places?", anchor=False)
            show_agreement(computing.with_chance_lines(run, film, explanation), label)
            show_fit(explanation, label)


def page() -> None:
    run = layout.frame(
        "Explain", "Where each model finds evidence for a label. Zoom or move one film and the others follow."
    )
    if run is None:
        layout.no_run()
        return
    run, film = choose_film(run)
    if film is not None:
        explain(run, film)


with layout.boundary():
    page()
