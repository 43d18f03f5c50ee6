"""Classify: films in, every member's probabilities per label against its own thresholds out."""

import streamlit as st

from cxrkd.answers.answer import Answer
from cxrkd.answers.csv import answers_csv
from cxrkd.config import Member
from cxrkd.dashboard import asking, engines, layout, routes, sources, waiting
from cxrkd.dashboard.caching import run_figures
from cxrkd.dashboard.charts import probabilities
from cxrkd.dashboard.classify import answers as answers_table
from cxrkd.dashboard.classify.answers import Standings
from cxrkd.dashboard.explain.link import View, film_key
from cxrkd.dashboard.pictures import grey_to_rgb
from cxrkd.images.film import Film
from cxrkd.labels import display_name
from cxrkd.runs import Run

DRAWN_AT_ONCE = 4  # of more films each is drawn when it is opened: a chart and two tables cost more than the answers
FOR_SPREADSHEETS = "utf-8-sig"  # without the mark they take names for another encoding
FILLED = "Filled: at or above that model's own threshold."
PRESENT = " Bold: present, by these labels."
CHOOSING = "PyTorch answers while the fastest engine of this machine is being chosen; from then on, that one does."
SKILL = " Under each label: how good each model is at it, AUROC on the test patients with its 95 % interval."
UNJUDGED = "Without a threshold of its own a model cannot call a label; what it says about it is no yes or no."


def choose_films(run: Run) -> tuple[Run, list[Film]]:
    if sources.choose_source(run, "Images", "classify_source") == sources.SAMPLES:
        return run, sources.choose_samples(run, "classify")
    uploads = sources.remember_uploads("classify_upload")
    if uploads:
        layout.suit_uploads(run)
    films = sources.read_uploads(uploads, run.config.data.image_size, "classify")
    if not films:
        sources.ask_for_upload(run)
    return run, films


def choose_members(run: Run) -> list[Member]:
    members = run.members()
    start = [member for member in members if member != "alone"]
    chosen = st.pills(
        "Models",
        members,
        selection_mode="multi",
        default=start,
        format_func=layout.member_title,
        key="classify_members",
    )
    return [member for member in members if member in (chosen or start)]


def show_film(answer: Answer, known: Standings, key: str) -> None:
    film = answer.film
    if answer.warning:
        st.warning(answer.warning, icon=":material/warning:")
    picture, chart = st.columns([2, 5], gap="medium")
    with picture:
        st.image(grey_to_rgb(film.pixels), width="stretch", alt=film.name)
        if film.truth is not None and film.present is not None:
            present = ", ".join(display_name(label) for label in film.present) or "no finding"
            st.markdown(f"**{film.truth.title}:** {present}")
        for member, member_answer in answer.members.items():
            st.markdown(f"**{layout.member_title(member)}:** {answer.verdict(member)}")
            st.caption(answers_table.how_long(member_answer))
        layout.about_film(film)
        routes.link("explain", "Explain this film", View(film=film_key(film)).params())
    with chart:
        show_judged(answer, known, key)
        show_not_judged(answer, known, key)


def show_judged(answer: Answer, known: Standings, key: str) -> None:
    film, columns = answer.film, answers_table.judged(known)
    if not columns:
        return
    by_chart, by_table = st.tabs(["Chart", "Table"], key=f"tabs_{key}")
    with by_chart:
        figure = probabilities.probabilities(
            [answer.labels[k] for k in columns],
            {str(m): member_answer.probs[columns] for m, member_answer in answer.members.items()},
            {str(m): member_answer.thresholds[columns] for m, member_answer in answer.members.items()},
            skill={str(m): [answers_table.aurocs(one)[k] for k in columns] for m, one in known.items()},
            present=film.present or (),
            film=film.name,
        )
        alt = f"Probabilities for {film.name}"
        layout.chart(figure, key=f"probs_{key}", alt=alt, file=f"{film.name}-probabilities")
        st.caption(FILLED + (PRESENT if film.present is not None else "") + SKILL)
        for sentence in answers_table.partly_judged_sentences(known):
            layout.notice(sentence)
    with by_table:
        table = answers_table.answer_table(answer, known)
        form = {"Label": st.column_config.TextColumn(pinned=True)}  # stays while the others are moved sideways
        layout.table(answers_table.in_percent(table), height="content", column_config=form, key=f"table_{key}")


def show_not_judged(answer: Answer, known: Standings, key: str) -> None:
    table = answers_table.not_judged_table(answer, known)
    if table.empty:
        return
    with st.expander(f"Not judged ({len(table)})", key=f"not_judged_{key}"):
        st.caption(UNJUDGED)
        form = {"Finding": st.column_config.TextColumn(pinned=True)}
        layout.table(answers_table.in_percent(table), height="content", column_config=form, key=f"unjudged_{key}")


def show(answers: list[Answer], known: Standings) -> None:
    if len(answers) == 1:
        (answer,) = answers
        layout.film_title(answer.film)
        show_film(answer, known, f"0_{answer.film.key}")
        return
    for warning in dict.fromkeys(answer.warning for answer in answers if answer.warning):
        st.warning(warning, icon=":material/warning:")
    layout.table(answers_table.answers_summary(answers), hide_index=True, key="summary")
    for index, answer in enumerate(answers):
        key, opened = f"{index}_{answer.film.key}", "rerun" if len(answers) > DRAWN_AT_ONCE else "ignore"
        title = f"**{layout.literal(answer.film.name)}**"
        with st.expander(title, expanded=index == 0, key=f"film_{key}", on_change=opened) as box:
            if opened == "ignore" or box.open:
                show_film(answer, known, key)


def page() -> None:
    run = layout.frame("Classify", "Teacher and student answer the same film; each is held against its own thresholds.")
    if run is None:
        layout.no_run()
        return
    run, films = choose_films(run)
    if not films:
        return
    members = choose_members(run)
    known = run_figures.standings(run, members)
    choosing = engines.choosing(run, members)
    answers = asking.answers(run, members, films)
    if choosing:
        layout.notice(CHOOSING)
    show(answers, known)
    st.download_button(
        "All answers as CSV",
        answers_csv(answers, known).encode(FOR_SPREADSHEETS),
        f"{run.id}-answers.csv",
        "text/csv",
        icon=":material/download:",
    )
    if choosing:
        waiting.for_engines(run, members)


with layout.boundary():
    page()
