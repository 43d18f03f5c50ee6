"""Explain: where teacher and students look, side by side, and whether they agree more than chance."""

import numpy as np
import streamlit as st

from cxrkd.dashboard import caching, explaining, parts, session, sources
from cxrkd.dashboard.charts import agreement as agreement_chart
from cxrkd.dashboard.charts import films
from cxrkd.dashboard.look import choose_look, choose_method
from cxrkd.dashboard.pictures import headed, outlines, strip
from cxrkd.explain import CAM_NOTES, lesion_hit
from cxrkd.labels import display_name
from cxrkd.names import file_name
from cxrkd.runs import Run
from cxrkd.runs.answer import warning_for
from cxrkd.runs.explanation import LIME, CamExplanation, Explanation, LimeExplanation

LIME_NOTE = "Which superpixels raise the label's logit when they are seen: 300 altered films, the same for every model."


def choose_film(run: Run) -> tuple[Run, session.Film | None]:
    if sources.choose_source(run, "Image", "explain_source") == sources.SAMPLES:
        return run, sources.choose_sample(run, "explain")
    uploads = dict(sources.remember_uploads("explain_upload"))
    if not uploads:
        sources.ask_for_upload(run)
        return run, None
    parts.suit_uploads(run)
    name = st.selectbox("File", list(uploads), key="explain_file") if len(uploads) > 1 else next(iter(uploads))
    readable = sources.read_uploads(((name, uploads[name]),), run.config.data.image_size, "explain")
    return run, readable[0] if readable else None


def lesion(run: Run, film: session.Film, label: str) -> np.ndarray | None:
    if film.row is None:
        return None
    mask = caching.film(run.config.data, film.row, run.config.data.image_size).masks[run.labels.index(label)]
    return mask if mask.any() else None


def choose_label(found: Explanation, film: session.Film) -> str:
    probs = found.probs["teacher"]

    def title(label: str) -> str:
        there = ", present" if film.truth and label in film.truth else ""
        prob = probs[found.labels.index(label)]
        said = "no answer" if np.isnan(prob) else f"{prob:.0%}"
        return f"{display_name(label)} ({said}{there})"

    order = [found.labels[k] for k in np.argsort(-probs)]
    # The key holds the film: a new film starts at its own most probable label.
    chosen = st.selectbox("Label, most probable first", order, format_func=title, key=f"label_{film.key}")
    return str(chosen or order[0])


def notes(run: Run, found: Explanation, label: str) -> dict[str, str]:
    k, metrics = found.labels.index(label), caching.metrics(run)
    cuts = {m: metrics.of(m).thresholds[k] for m in found.probs}
    told = {m: "no threshold" if np.isnan(cut) else f"threshold {cut:.1%}" for m, cut in cuts.items()}
    return {str(m): f"{p[k]:.1%} ({told[m]})" for m, p in found.probs.items()}


def pictures(run: Run, film: session.Film, found: Explanation, label: str) -> None:
    mask, heats = lesion(run, film, label), heats_of(found, label)
    look = choose_look(has_truth=mask is not None)
    curves = outlines(mask) if mask is not None and look.outline else ()
    panels = explaining.panels(film.pixels, heats, look, notes(run, found, label), curves)
    unit = "change of the logit" if found.method == LIME else "evidence, raw units"
    bar = explaining.colour_bar(heats, look, unit)
    alt = f"Where each model sees {display_name(label)}"
    file = file_name(f"{film.name}-{label}-{found.method}", n_bytes=200)
    parts.chart(films.films(panels, bar), key="films", alt=alt, file=file)
    for member in explaining.without_evidence(heats):
        parts.notice(f"{parts.member_title(member)}: no positive evidence for {display_name(label).lower()}.")
    picture = headed(strip(panels), f"{film.name}: {display_name(label)}")
    st.download_button("Picture as PNG", picture, f"{file}.png", "image/png", icon=":material/download:")


def heats_of(found: Explanation, label: str) -> dict[str, np.ndarray]:
    return {str(member): found.heat(member, label) for member in found.probs}


def show_lime_agreement(found: LimeExplanation, label: str) -> None:
    rows = {str(m): a for m in found.probs if (a := found.agreement(m, label)) is not None}
    parts.table(explaining.lime_table(rows), hide_index=True, key="lime_agreement", column_config=parts.two_digits())
    k = found.labels.index(label)
    fit = ", ".join(f"{parts.member_title(m)} {r2[k]:.2f}" for m, r2 in found.result.r2.items())
    parts.notice(f"Local R2, how much of the model's answer LIME's line explains: {fit}. Low means read with care.")


def show_agreement(found: CamExplanation, label: str) -> None:
    rows = {str(m): a for m in found.probs if (a := found.agreement(m, label)) is not None}
    figure = agreement_chart.agreement(explaining.agreement_rows(rows))
    parts.chart(figure, key="agreement", alt="Agreement of the maps beside chance and ceiling")
    st.caption("Grey bar: chance (random students, mean to 95th percentile). Tick: the teacher under light noise.")
    for member, agreement in rows.items():
        st.markdown(explaining.agreement_sentence(member, agreement))
    with st.expander("All agreement figures"):
        table = explaining.agreement_table(rows)
        parts.table(table, hide_index=True, key="agreement_all", column_config=parts.two_digits())


def show_lesion(run: Run, film: session.Film, found: Explanation, label: str) -> None:
    mask = lesion(run, film, label)
    if mask is None:
        parts.notice(explaining.no_lesion(display_name(label), film.truth))
        return
    hits = {member: lesion_hit(heat, mask) for member, heat in heats_of(found, label).items()}
    parts.table(explaining.lesion_table(hits), hide_index=True, key="lesion", column_config=parts.two_digits())
    st.caption("Share of the positive evidence inside the lesion; chance is the lesion's share of the film.")


def explain(run: Run, film: session.Film) -> None:
    parts.film_title(film)
    if warning := warning_for(run, film.real):
        st.warning(warning, icon=":material/warning:")
    parts.reader_notes(film)
    left, right = st.columns([1, 2])
    with right:
        method = choose_method()
    found = caching.explanation(run, film, method)
    with left:
        label = choose_label(found, film)
    st.caption(CAM_NOTES.get(method, LIME_NOTE))
    pictures(run, film, found, label)
    left, right = parts.side_by_side()
    with left, parts.boundary():
        st.subheader("Do they look at the same places?", anchor=False)
        if isinstance(found, LimeExplanation):
            show_lime_agreement(found, label)
        else:
            show_agreement(found, label)
    with right, parts.boundary():
        st.subheader("Do they look at the lesion?", anchor=False)
        show_lesion(run, film, found, label)


def page() -> None:
    run = parts.frame(
        "Explain", "Where each model finds evidence for a label. Zoom or move one film and the others follow."
    )
    if run is None:
        parts.no_run()
        return
    run, film = choose_film(run)
    if film is not None:
        explain(run, film)


with parts.boundary():
    page()
