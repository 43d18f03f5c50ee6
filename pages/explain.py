"""Explain: where teacher and students look, side by side, and whether they agree more than chance."""

import numpy as np
import streamlit as st

from cxrkd.answers.answer import warning_for
from cxrkd.answers.calls import ranked
from cxrkd.answers.explanation import LIME, Explanation, LimeExplanation, outside, strong_evidence
from cxrkd.config import Member
from cxrkd.dashboard import asking, caching, layout, session, sources
from cxrkd.dashboard.charts import agreement as agreement_chart
from cxrkd.dashboard.charts import films
from cxrkd.dashboard.explain import views
from cxrkd.dashboard.explain.controls import choose_look, choose_method
from cxrkd.dashboard.pictures import headed, outlines, strip
from cxrkd.explain import CAM_NOTES, body_mask, lesion_hit
from cxrkd.labels import display_name
from cxrkd.names import file_name
from cxrkd.runs import Run

LIME_NOTE = "Which superpixels raise the label's logit when they are seen: 300 altered films, the same for every model."
CAM_LINES = (
    "Grey is not above chance. It reaches to the highest of four lines: random students, the same student on other "
    "films, its mean map of the label, a bump in the middle. Thick tick: the teacher under light noise."
)
LIME_LINES = (
    "Grey is not above chance. It reaches to the highest of four lines: random rankings, the student's Grad-CAM on "
    "other films and its mean, a bump in the middle. Thick tick: two equal models. Each model's weights come from "
    "masks that the other did not see."
)


def choose_film(run: Run) -> tuple[Run, session.Film | None]:
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


def lesion(run: Run, film: session.Film, label: str) -> np.ndarray | None:
    if film.row is None:
        return None
    size = run.config.data.image_size
    mask = caching.table(run.config.data).masks(film.row, size)[run.labels.index(label)]
    return mask if mask.any() else None


def choose_label(run: Run, found: Explanation, film: session.Film) -> str:
    probs, order = found.probs[next(iter(found.probs))], ranked(found.labels, found.probs, cuts_of(run, found))
    callers = {one.label: one.callers for one in order}

    def title(label: str) -> str:
        prob = probs[found.labels.index(label)]
        said = ["no answer" if np.isnan(prob) else f"{prob:.0%}"]
        said += ["present"] if film.truth and label in film.truth else []
        said += [f"called by {callers[label]} of {len(found.probs)}"] if callers[label] else []
        return f"{display_name(label)} ({', '.join(said)})"

    # The key holds the film: a new film starts at a label that is called on it.
    chosen = st.selectbox("Label, called ones first", list(callers), format_func=title, key=f"label_{film.key}")
    return str(chosen or order[0].label)


def say_what_is_called(run: Run, found: Explanation, label: str) -> None:
    cuts = cuts_of(run, found)
    first = ranked(found.labels, found.probs, cuts)[0]
    if not first.callers:
        st.info(views.no_call_sentence(found.labels, cuts, opened=label == first.label), icon=":material/info:")


def cuts_of(run: Run, found: Explanation) -> dict[Member, np.ndarray]:
    metrics = caching.metrics(run)
    return {m: metrics.of(m).thresholds_array() for m in found.probs}


def notes(run: Run, found: Explanation, label: str, body: np.ndarray) -> dict[str, str]:
    k, cuts = found.labels.index(label), cuts_of(run, found)
    air = outside(found, label, body)
    return {str(m): views.panel_note(float(p[k]), float(cuts[m][k]), air[m]) for m, p in found.probs.items()}


def pictures(run: Run, film: session.Film, found: Explanation, label: str) -> None:
    mask, heats = lesion(run, film, label), heats_of(found, label)
    strong, body = {str(m): s for m, s in strong_evidence(found, label).items()}, body_mask(film.pixels)
    look = choose_look(mask is not None, views.scales_for(strong, list(heats)))
    curves = outlines(mask) if mask is not None and look.outline else ()
    panels = views.panels(film.pixels, heats, look, notes(run, found, label, body), curves, strong)
    unit = "change of the logit" if found.method == LIME else "evidence, raw units"
    bar = views.colour_bar(heats, look, unit, strong)
    alt = f"Where each model sees {display_name(label)}"
    file = file_name(f"{film.name}-{label}-{found.method}", n_bytes=200)
    layout.chart(films.films(panels, bar), key="films", alt=alt, file=file)
    st.caption(f"Outside the body: share of the evidence. A map that knows nothing has {1 - body.mean():.0%} there.")
    for member in views.without_evidence(heats):
        layout.notice(f"{layout.member_title(member)}: no positive evidence for {display_name(label).lower()}.")
    picture = headed(strip(panels), f"{film.name}: {display_name(label)}")
    st.download_button("Picture as PNG", picture, f"{file}.png", "image/png", icon=":material/download:")


def heats_of(found: Explanation, label: str) -> dict[str, np.ndarray]:
    return {str(member): found.heat(member, label) for member in found.probs}


def show_agreement(found: Explanation, label: str) -> None:
    rows = {str(m): a for m in found.probs if (a := found.agreement(m, label)) is not None}
    if not rows:
        layout.notice("This run has no teacher to hold the maps against.")
        return
    figure = agreement_chart.agreement(views.agreement_rows(rows))
    layout.chart(figure, key="agreement", alt="Agreement of the maps beside chance and ceiling")
    lime = isinstance(found, LimeExplanation)
    st.caption(LIME_LINES if lime else CAM_LINES)
    for member, agreement in rows.items():
        st.markdown(views.agreement_sentence(member, agreement))
    with st.expander("All agreement figures"):
        table = views.agreement_table(rows)
        layout.table(table, hide_index=True, key="agreement_all", column_config=layout.two_digits())
    if isinstance(found, LimeExplanation):
        k = found.labels.index(label)
        fit = ", ".join(f"{layout.member_title(m)} {r2[k]:.2f}" for m, r2 in found.result.r2.items())
        layout.notice(
            f"Local R2, how much of the model's answer LIME's line explains: {fit}. Low means read with care."
        )


def show_lesion(run: Run, film: session.Film, found: Explanation, label: str) -> None:
    mask = lesion(run, film, label)
    if mask is None:
        layout.notice(views.no_lesion(display_name(label), film.truth))
        return
    hits = {member: lesion_hit(heat, mask) for member, heat in heats_of(found, label).items()}
    layout.table(views.lesion_table(hits), hide_index=True, key="lesion", column_config=layout.two_digits())
    st.caption("Share of the positive evidence inside the lesion; chance is the lesion's share of the film.")


def explain(run: Run, film: session.Film) -> None:
    layout.film_title(film)
    if warning := warning_for(run, film.real):
        st.warning(warning, icon=":material/warning:")
    layout.reader_notes(film)
    left, right = st.columns([1, 2])
    with right:
        method = choose_method()
    found = asking.explanation(run, film, method)
    with left:
        label = choose_label(run, found, film)
    say_what_is_called(run, found, label)
    st.caption(CAM_NOTES.get(method, LIME_NOTE))
    pictures(run, film, found, label)
    left, right = layout.side_by_side()
    with left, layout.boundary():
        st.subheader("Do they look at the same places?", anchor=False)
        show_agreement(found, label)
    with right, layout.boundary():
        st.subheader("Do they look at the lesion?", anchor=False)
        show_lesion(run, film, found, label)


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
