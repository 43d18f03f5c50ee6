"""Overview: what the system is, the headline of the chosen run, one look at both models, and what to do next."""

from functools import partial

import numpy as np
import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import layout, routes, tables, tiles, waiting
from cxrkd.dashboard.access import films_of, images_here
from cxrkd.dashboard.caching import cohorts, run_figures, showcases
from cxrkd.dashboard.charts import cost, films, quality
from cxrkd.dashboard.efficiency import latency
from cxrkd.dashboard.pictures import Outline, Panel, outlines
from cxrkd.explain.overlay import overlay, shared_scale
from cxrkd.images.film import Film
from cxrkd.images.radiograph import unit
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.sample_films import about_patient, shipped_for
from cxrkd.runs.showcase import Look, Showcase
from cxrkd.runs.validating.readers import judged_by_radiologists, study_of
from cxrkd.runs.validating.validation import Validation
from cxrkd.runtime.compute import shared
from cxrkd.text import mean_of, number

WHAT = (
    "cxrkd distils a large chest X-ray classifier, the teacher, into a student small enough for a phone. It measures "
    "what the student keeps, with intervals, and what it saves. It also shows where each of them looks, and whether "
    "they agree more than chance would."
)
NEXT = (
    ("classify", "Classify a radiograph", "Upload films or take samples; both models answer at once."),
    ("explain", "See where they look", "Grad-CAM and LIME of teacher and students, side by side."),
    ("results", "Read the curves", "ROC, precision and calibration of every label."),
    ("distill", "Distil a student", "Start a run here, watch it, and open it on every page."),
    ("on_device", "Take the student along", "A file that answers films elsewhere, checked before you get it."),
)
WHICH = (
    "Grad-CAM on the test image with a focal finding that both are surest of; it was chosen by probability, not by its "
    "maps. The line, where there is one, is where the finding was drawn or marked."
)
WHICH_SHIPPED = (
    "Grad-CAM on a film of a patient: of the sample films with a marked finding the one that both are surest of, "
    "chosen by probability, not by its maps. The line is where ChestX-ray14 marks the finding; radiologists confirm it."
)
LOOKING = "the models look at one film"
OPACITY = 0.65


def quality_row(metrics: RunMetrics) -> None:
    left, right = layout.side_by_side()
    with left:
        cells = st.grid(3, min_column_width=150)
        for member, member_metrics in metrics.members.items():
            with cells.cell():
                tiles.auroc(layout.member_title(member), member_metrics)
        if metrics.trivial is not None:
            with cells.cell():
                tiles.no_anatomy(metrics.trivial)
        if metrics.gap is not None:
            with cells.cell():
                tiles.kept(metrics.gap)
            with cells.cell():
                tiles.kept_skill(metrics.gap)
    with right:
        rows = {
            str(m): [tables.macro_interval(member_metrics.over_seeds)] for m, member_metrics in metrics.members.items()
        }
        figure = quality.macro_forest(rows, f"{tables.mean_auroc(metrics)}; 95 % interval")
        layout.chart(figure, key="macro", alt="Mean AUROC of each member with its interval")


def by_radiologists(judged: Validation) -> str:
    """On which films the figures are that this page leads with, and who judged these."""
    facts, study = judged.facts(), study_of(judged)
    whose = "of its own test films" if facts.answered_by == "kept" else f"films of {layout.literal(facts.data)}"
    readers = f", read by {len(study.readers)} radiologists" if study else ""
    return (
        f"**Judged by radiologists**: {facts.n_films:,} {whose} ({facts.n_patients:,} patients){readers}. Their points "
        "beside the curves: Results, Other films."
    )


def own_labels(metrics: RunMetrics) -> str:
    """What the members reach by the labels that came with the films of the run, in one sentence."""
    first = next(iter(metrics.members.values())).over_seeds
    reached = (
        f"{layout.member_title(member).lower()} {number(one.over_seeds.macro_auroc)}"
        for member, one in metrics.members.items()
    )
    return f"By the labels of its data set, on all test films: {', '.join(reached)} ({mean_of(first.n_labels)})."


def cost_row(run: Run) -> None:
    counted = showcases.complexities(run)
    student = tables.best_student(counted)
    cells = st.grid(3, min_column_width=150)
    with cells.cell():
        tiles.ratio("Fewer parameters", counted["teacher"].params, counted[student].params, cost.si)
    with cells.cell():
        tiles.ratio("Fewer multiply-adds", counted["teacher"].macs, counted[student].macs, cost.si)
    with cells.cell():
        latencies = latency.latencies(run, ("teacher", student))
        tiles.latency(latencies, student)
    if latencies.pending:
        waiting.for_engines(run, ("teacher", student))


def showcase(run: Run) -> Showcase:
    """What the run keeps; of one that keeps nothing it is computed, in the one queue of this server."""
    kept = showcases.kept(run)
    if kept is not None and (kept.look is None or kept.look.tones is not None or images_here(run.config.data)):
        return kept  # else its film is not here, and another one is
    ticket = shared().explain(waiting.visitor(), lambda: showcases.made(run, partial(film_in, run)))
    waiting.for_all([ticket], LOOKING)
    return ticket.result()


def film_in(run: Run, image_id: str) -> Film:
    data = run.config.data
    return cohorts.film(data, cohorts.table(data).row_of(image_id), data.image_size)


def on_film(run: Run, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """The film (S, S) in [0, 1] and the lesion (S, S): as they are kept, else from the run's data set."""
    if look.tones is not None and look.lesion is not None:
        return unit(look.tones), look.lesion
    film = film_in(run, look.image_id)
    lesion = np.zeros(film.tones.shape, bool)
    if film.truth is not None:
        lesion = film.truth.masks(len(film.tones))[run.labels.index(look.label)]
    return film.pixels, lesion


def both_look(run: Run) -> None:
    look = showcase(run).look
    if look is None:
        layout.notice("No test image has a finding, so there is nothing to look for.")
        return
    pixels, lesion = on_film(run, look)
    st.header(f"Where they see {display_name(look.label).lower()}", anchor=False)
    drawn = panels(look, pixels, outlines(lesion))
    layout.chart(films.films(drawn, height=250), key="look", alt=f"Grad-CAM of teacher and student for {look.label}")
    st.caption(WHICH_SHIPPED if look.shipped else WHICH)
    if look.shipped and (samples := shipped_for(run)):
        test_patients = run_figures.predictions(run, run.members()[0]).patients
        layout.notice(about_patient(cohorts.table(samples), look.image_id, test_patients))


def panels(look: Look, pixels: np.ndarray, curves: tuple[Outline, ...]) -> list[Panel]:
    scale = shared_scale(look.maps.values())  # equal colours mean equal evidence
    return [
        Panel(
            MEMBER_NAMES[member],
            overlay(pixels, heat, opacity=OPACITY, scale=scale),
            curves,
            f"{look.probs[member]:.0%}",
        )
        for member, heat in look.maps.items()
    ]


def next_steps(columns: int) -> None:
    st.header("What to do next", anchor=False)
    cells = st.grid(columns, min_column_width=190)
    for name, title, sentence in NEXT:
        with cells.cell(), st.container(border=True, height="stretch"):
            routes.link(name, title)
            st.caption(sentence)


def page() -> None:
    run = layout.frame("Chest X-ray distillation", WHAT)
    if run is None:
        layout.no_run()
        return
    metrics = run_figures.metrics(run)
    networks = layout.literal(layout.networks_of(run.config))
    st.header(f"Run {layout.literal(run.id)}: {networks}", anchor=False)
    judged = judged_by_radiologists(run)
    shown = metrics if judged is None else judged.metrics()
    if judged is not None:
        st.markdown(by_radiologists(judged))
    quality_row(shown)
    costs = st.container()
    phantoms = f"{layout.PHANTOM_RESULT} " if run.config.data.kind == "phantom" else ""
    layout.notice(" ".join(filter(None, (phantoms.strip(), tiles.in_words(shown), judged and own_labels(metrics)))))
    if films_of(run):
        left, right = layout.side_by_side()
        with left, layout.boundary():
            both_look(run)
        with right:
            next_steps(columns=2)
    else:
        layout.images_elsewhere(run, "So no film is shown here.")
        next_steps(columns=4)
    with costs, layout.boundary():  # last, because the first visit has to count
        cost_row(run)


with layout.boundary():
    page()
