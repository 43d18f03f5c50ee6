"""Data: what is in the chosen run's data set, and whether its split keeps patients apart."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cxrkd.config import DataConfig
from cxrkd.dashboard import layout, sources, tables
from cxrkd.dashboard.caching import cohorts
from cxrkd.dashboard.charts import dataset
from cxrkd.data.cohort import SPLITS, Cohort, check_no_leak
from cxrkd.labels import RADIOGRAPHIC_SIGN, display_name
from cxrkd.runs import Run

LEAD = "What is in the data set of the chosen run, and whether its split keeps patients apart."
GALLERY = 8
GALLERY_SIZE = 224
UPLOAD_INSTEAD = "To ask its networks about films of your own, upload them on Classify or Explain."
ELSEWHERE = (
    "The data set that this run was made on is not on this machine, or not in a folder that pages may read "
    "(`cxrkd app --data DIR`): its prevalence and its split are not shown."
)
PHANTOMS = (
    "Phantom radiographs: drawn by a program with known findings, prevalence and co-occurrence as in ChestX-ray14, "
    "tempered so that every finding has cases. Nothing in them comes from a patient."
)


def headline(table: Cohort) -> None:
    cells = st.grid(5, min_column_width=130)
    figures = {
        "Images": f"{len(table):,}",
        "Patients": f"{len(np.unique(table.patients)):,}",
        "Without finding": f"{float(table.no_finding.mean()):.0%}",
        **{f"View {view}": f"{float((table.views == view).mean()):.0%}" for view in ("PA", "AP")},
    }
    for name, value in figures.items():
        with cells.cell():
            st.metric(name, value, border=True)
    if table.unlabelled.any():
        unlabelled = f"{int(table.unlabelled.sum()):,} images have no known label"
        layout.notice(f"{unlabelled}: those of train teach a distilled student, through its teacher, and nobody else.")
    for note in table.notes:
        layout.notice(layout.literal(note))


def prevalence(table: Cohort) -> None:
    counts = tables.prevalence(table.labels, table.targets, table.split)
    sizes = {name: int((table.split == name).sum()) for name in counts}
    figure = dataset.prevalence(table.labels, counts, sizes)
    layout.chart(figure, key="prevalence", alt="Share of images with each finding, by split")


def cooccurrence(table: Cohort) -> None:
    figure = dataset.cooccurrence(table.labels, table.targets)
    layout.chart(figure, key="cooccurrence", alt="How often a finding comes with another")
    st.caption("Of the images with the finding on the left, the share that also has the finding below.")


def gallery(config: DataConfig, table: Cohort) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    label = left.selectbox("Finding", table.labels, format_func=display_name, key="gallery_label")
    outlined = right.toggle("Outline the finding", True, key="gallery_outline")
    k = table.labels.index(label)
    rows = [row for row in table.rows("test") if table.positive[row, k]][:GALLERY]
    if label in RADIOGRAPHIC_SIGN:
        st.caption(f"{display_name(label)}: {RADIOGRAPHIC_SIGN[label]}.")
    if not rows:
        layout.empty_state(f"No test image has {display_name(label).lower()}. Choose another finding.")
        return
    cells = st.grid(4, min_column_width=150)
    for row in rows:
        film = cohorts.film(config, int(row), GALLERY_SIZE)
        with cells.cell():
            st.image(sources.thumbnail(film, k if outlined else None), width="stretch", alt=film.name)
            graded = film.truth is not None and film.truth.severity is not None
            severity = f", severity {film.truth.severity[k]:.2f}" if graded else ""
            st.caption(f"{film.view}{severity}")


def split_check(table: Cohort) -> None:
    check_no_leak(table.patients, table.split)
    st.success("No patient is in more than one split.", icon=":material/check_circle:")
    rows = [
        {
            "Split": name,
            "Patients": len(np.unique(table.patients[table.split == name])),
            "Images": int((table.split == name).sum()),
            "PA": int(((table.split == name) & (table.views == "PA")).sum()),
            "AP": int(((table.split == name) & (table.views == "AP")).sum()),
        }
        for name in SPLITS
    ]
    layout.table(pd.DataFrame(rows), key="splits")


def by_view(table: Cohort) -> None:
    views = [view for view in ("PA", "AP", "L", "unknown") if (table.views == view).any()]
    shares = {view: 100 * table.positive[table.views == view].mean(axis=0) for view in views}
    frame = pd.DataFrame({"Finding": [display_name(label) for label in table.labels], **shares})
    top = float(5 * np.ceil(max(share.max() for share in shares.values()) / 5))
    form = {
        view: st.column_config.ProgressColumn(view, format="%.1f %%", min_value=0, max_value=top) for view in shares
    }
    layout.table(frame, column_config=form, height="content", key="views")
    st.caption(
        "Share of the images of each view that have the finding. A model can learn the view instead of the finding."
    )


def page(run: Run) -> None:
    films = sources.shown_films(run, UPLOAD_INSTEAD, "classify", "explain")
    if films is None:
        return
    config, table = films
    if config != run.config.data:
        layout.notice(ELSEWHERE)
        headline(table)
        gallery(config, table)
        return
    layout.notice(PHANTOMS if table.synthetic else f"{table.name}, read from a folder of this server.")
    headline(table)
    for tab, draw in zip(
        st.tabs(["Gallery", "Prevalence", "Co-occurrence", "Views", "Split"], key="data_tabs"),
        (partial(gallery, config), prevalence, cooccurrence, by_view, split_check),
        strict=True,
    ):
        with tab, layout.boundary():
            draw(table)


with layout.boundary():
    chosen = layout.frame("Data", LEAD)
    if chosen is None:
        layout.no_run()
    else:
        page(chosen)
