"""Explain: where teacher and students look, side by side, and whether they agree more than chance."""

import streamlit as st

from cxrkd.answers.calls import ranked
from cxrkd.answers.explanation import Explanation
from cxrkd.answers.truth import marked
from cxrkd.dashboard import layout
from cxrkd.dashboard.charts import agreement as agreement_chart
from cxrkd.dashboard.explain import choosing, computing, faithful, figures, report, swiped, viewer
from cxrkd.dashboard.explain import view as views
from cxrkd.dashboard.explain.depth import show_depth
from cxrkd.dashboard.explain.display import choose_method
from cxrkd.dashboard.explain.link import View, film_key
from cxrkd.dashboard.explain.parts import show_parts
from cxrkd.dashboard.explain.refining import refining
from cxrkd.dashboard.explain.thresholds import thresholds
from cxrkd.explain.lesion import lesion_hit
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.runs.choosing import warning_for


def say_what_is_called(run: Run, explanation: Explanation, label: str) -> None:
    cuts = thresholds(run)
    first = ranked(explanation.labels, explanation.probs, cuts)[0]
    if not first.callers:
        sentence = figures.no_call_sentence(explanation.labels, cuts, opened=label == first.label)
        st.info(sentence, icon=":material/info:")


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
    mask = marked(film, label)
    if mask is None:
        layout.notice(figures.no_lesion(label, film.present))
        return
    hits = {member: lesion_hit(heat, mask) for member, heat in viewer.heats_of(explanation, label).items()}
    layout.table(figures.lesion_table(hits), hide_index=True, key="lesion", column_config=layout.two_digits())
    st.caption("Share of the positive evidence inside the lesion; chance is the lesion's share of the film.")


def explain(run: Run, film: Film, asked: View) -> None:
    layout.film_title(film)
    if warning := warning_for(run, film.real):
        st.warning(warning, icon=":material/warning:")
    layout.about_film(film)
    pictures, controls = swiped.places()
    with controls:
        first = st.container()  # the label stands first, and needs answers
        method = choose_method(asked)
    with pictures:
        explanation = computing.explanation(run, film, method)
    with first:
        label = choosing.choose_label(run, explanation, film, asked)
    shown = View(run.id, film_key(film), label, method)
    views.keep(shown)
    viewer.show(run, film, explanation, shown, pictures, controls)
    say_what_is_called(run, explanation, label)
    show_parts(explanation, label)
    with refining(run, film, explanation, label):
        left, right = layout.side_by_side()
        with right, layout.boundary():
            st.header("Do they look at the lesion?", anchor=False)
            show_lesion(run, film, explanation, label)
        with left, layout.boundary():  # last, because it takes longest: all else can be read meanwhile
            st.header("Do they look at the same places?", anchor=False)
            explanation = computing.with_chance_lines(run, film, explanation)
            show_agreement(explanation, label)
            show_fit(explanation, label)
            report.offer(run, film, explanation, label, thresholds(run))
        with layout.boundary():
            faithful.show(run, film, explanation, label)
        show_depth(run, film)


def page() -> None:
    asked = views.asked()
    run = layout.frame(
        "Explain", "Where each model finds evidence for a label. Zoom or move one film and the others follow."
    )
    if run is None:
        layout.no_run()
        return
    views.refuse_run(asked, run)
    film, asked = choosing.choose_film(run, asked)
    if film is not None:
        explain(run, film, asked)


with layout.boundary():
    page()
