"""The data set that the form names, looked at before anything trains.

First what stops a run, then what it will be the worse for, then counts, labels and a few films. Nothing is read
before the box is opened, and no more than the table and a few films then.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from cxrkd.access.bounds import Bounds
from cxrkd.config import RunConfig, TrainConfig
from cxrkd.dashboard import layout, session, sources
from cxrkd.dashboard.caching import cohorts
from cxrkd.dashboard.distill import making
from cxrkd.dashboard.distill.form import Entered
from cxrkd.dashboard.pictures import grey_to_rgb
from cxrkd.data.cohort import SPLITS, Cohort
from cxrkd.labels import display_name
from cxrkd.runs.data_check import DataCheck, check_data

FILMS = 8


def draw(entered: Entered) -> None:
    """The box; empty until it is opened."""
    box = st.expander("Check the data", icon=":material/fact_check:", key="check_data", on_change="rerun")
    if box.open:
        with box, layout.boundary():
            _checked(entered.config_so_far())


def _checked(config: RunConfig) -> None:
    making.refuse_start(config)
    table = cohorts.table(config.data)
    Bounds.of().refuse_images(config.data, len(table))
    check = check_data(table, config.student_train.batch_size)
    _say(table, check)
    _count(check)
    left, right = layout.side_by_side()
    with left:
        _labels(check)
    with right:
        _films(config, table)


def _say(table: Cohort, check: DataCheck) -> None:
    """What is wrong first, then what is as it should be, then what was read otherwise than it is written."""
    for sentence in check.warnings:
        st.warning(layout.literal(sentence), icon=":material/warning:")
    if not check.warnings:
        st.success("Nothing here stops a run, and every label can be judged.", icon=":material/check_circle:")
    drawn = " The split was drawn here, by patient." if table.split_drawn else ""
    layout.notice(f"{layout.literal(table.truth)}. No patient is in more than one split.{drawn}")
    for note in check.notes:
        layout.notice(layout.literal(note))


def _count(check: DataCheck) -> None:
    cells = st.grid(4, min_column_width=180)
    whole = sum(check.images.values()), sum(check.patients.values())
    each = {f"Images, {split}": (check.images[split], check.patients[split]) for split in SPLITS}
    for name, (images, patients) in {"Images": whole, **each}.items():
        with cells.cell():
            st.metric(name, f"{images:,}", f"{patients:,} patients", "off", delta_arrow="off", border=True)


def _labels(check: DataCheck) -> None:
    rows = [
        {
            "Finding": display_name(one.label),
            "Share": 100 * one.prevalence,
            **{split: one.positive_patients[split] for split in SPLITS},
            "Judged": "yes" if one.judged else "no",
        }
        for one in check.labels
    ]
    form: dict[str, ColumnConfig] = {split: st.column_config.NumberColumn(width=52) for split in SPLITS}
    form["Finding"] = st.column_config.TextColumn(width=122)
    form["Share"] = st.column_config.NumberColumn(format="%.1f %%", width=64)
    layout.table(pd.DataFrame(rows), column_config=form, height="content", key="checked_labels")
    st.caption("Share of the images with the finding, patients with it in each split, and whether tests can judge it.")


def _films(config: RunConfig, table: Cohort) -> None:
    from cxrkd.train.preview import some_rows  # brings torch, which a page that is only opened does without

    look = session.current().preview_look
    rows = some_rows(table, FILMS, look)
    views = cohorts.training_views(config, tuple(rows.tolist()), look)
    cells = st.grid(4, min_column_width=92)
    for row, view in zip(rows.tolist(), views, strict=True):
        with cells.cell():
            st.image(grey_to_rgb(np.asarray(view)), width="stretch", alt=f"Training film, {table.views[row]}")
            findings = layout.literal(sources.findings(sources.present_in(table, row)))
            st.caption(f"{table.views[row]}: {findings}")
    ways = "; ".join(_title(name) for name in config.student_train.changes if name != "mixup")
    changed = f" Each view is another: {ways}." if ways else ""
    mixed = " Pairs are mixed in training, not here." if config.student_train.mixup else ""
    st.caption(f"Training films drawn at random, at the {views.shape[-1]} px that students look at.{changed}{mixed}")
    st.button("Other films", icon=":material/shuffle:", on_click=_look_at_others, key="other_films")


def _title(name: str) -> str:
    """What a setting of a training does, within a sentence."""
    title = str(TrainConfig.model_fields[name].title)
    return title[:1].lower() + title[1:]


def _look_at_others() -> None:
    session.current().preview_look += 1
