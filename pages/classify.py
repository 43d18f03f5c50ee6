"""Classify: films in, every member's probabilities per label against its own thresholds out."""

import numpy as np
import streamlit as st

from cxrkd.config import Member
from cxrkd.dashboard import answers as answers_table
from cxrkd.dashboard import caching, costs, parts, session, sources
from cxrkd.dashboard.charts import probabilities
from cxrkd.dashboard.pictures import grey_to_rgb
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.answer import Answer

FILLED = "Filled: at or above that model's own threshold."
PRESENT = " Bold: truly present."
CHOOSING = "PyTorch answers while the fastest engine of this machine is being chosen; from then on, that one does."
UNCUT = " No tick: too few validation images have the finding to choose a threshold."


def choose_films(run: Run) -> tuple[Run, list[session.Film]]:
    if sources.choose_source(run, "Images", "classify_source") == sources.SAMPLES:
        return run, sources.choose_samples(run, "classify")
    uploads = sources.remember_uploads("classify_upload")
    if uploads:
        parts.suit_uploads(run)
    films = sources.read_uploads(uploads, run.config.data.image_size, "classify")
    if not films:
        sources.ask_for_upload(run)
    return run, films


def choose_members(run: Run) -> list[Member]:
    there = run.members()
    start = [member for member in there if member != "alone"]
    chosen = st.pills(
        "Models", there, selection_mode="multi", default=start, format_func=parts.member_title, key="classify_members"
    )
    return [member for member in there if member in (chosen or start)]


def show_film(film: session.Film, answer: Answer, key: str) -> None:
    if answer.warning:
        st.warning(answer.warning, icon=":material/warning:")
    picture, chart = st.columns([2, 5], gap="medium")
    with picture:
        st.image(grey_to_rgb(film.pixels), width="stretch", alt=film.name)
        if film.truth is not None:
            present = ", ".join(display_name(label) for label in film.truth) or "no finding"
            st.markdown(f"**True labels:** {present}")
        for member, said in answer.members.items():
            st.markdown(
                f"**{parts.member_title(member)}**: {said.latency_ms:.1f} ms with {costs.engine_name(said.engine)}"
            )
        parts.reader_notes(film)
    with chart:
        by_chart, by_table = st.tabs(["Chart", "Table"], key=f"tabs_{key}")
        with by_chart:
            probs = {str(m): said.probs for m, said in answer.members.items()}
            cuts = {str(m): said.thresholds for m, said in answer.members.items()}
            figure = probabilities.probabilities(answer.labels, probs, cuts, present=film.truth or ())
            parts.chart(figure, key=f"probs_{key}", alt=f"Probabilities for {film.name}")
            uncut = any(np.isnan(thresholds).any() for thresholds in cuts.values())
            st.caption(FILLED + (PRESENT if film.truth is not None else "") + (UNCUT if uncut else ""))
        with by_table:
            table = answers_table.answer_table(answer)
            parts.table(answers_table.in_percent(table), hide_index=True, height="content", key=f"table_{key}")


def show(films: list[session.Film], answers: list[Answer]) -> None:
    if len(films) > 1:
        for warning in dict.fromkeys(answer.warning for answer in answers if answer.warning):
            st.warning(warning, icon=":material/warning:")
        parts.table(answers_table.answers_summary(films, answers), hide_index=True, key="summary")
    for index, (film, answer) in enumerate(zip(films, answers, strict=True)):
        if len(films) == 1:
            show_film(film, answer, f"{index}_{film.key}")
            continue
        with st.expander(parts.literal(film.name), expanded=index == 0):
            show_film(film, answer, f"{index}_{film.key}")


def page() -> None:
    run = parts.frame("Classify", "Teacher and student answer the same film; each is held against its own thresholds.")
    if run is None:
        parts.no_run()
        return
    run, films = choose_films(run)
    if not films:
        return
    members = choose_members(run)
    answers = [caching.answer(run, members, film) for film in films]
    if caching.choosing(run, members):
        parts.notice(CHOOSING)
    show(films, answers)
    st.download_button(
        "All answers as CSV",
        answers_table.answers_csv(answers),
        f"{run.id}-answers.csv",
        "text/csv",
        icon=":material/download:",
    )


with parts.boundary():
    page()
