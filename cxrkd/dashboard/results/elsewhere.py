"""A run on films of another data set: figures beside those of its own test films, and radiologists where they read."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from cxrkd.config import MEMBER_NAMES, MEMBERS
from cxrkd.dashboard import layout, tables, tiles
from cxrkd.dashboard.charts import quality
from cxrkd.dashboard.results import readers
from cxrkd.evaluate.readers import ReaderStudy
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import TRIVIAL
from cxrkd.runs.validating.comparison import Comparison, compare_with_own
from cxrkd.runs.validating.readers import study_of
from cxrkd.runs.validating.validation import Validation, validations_of
from cxrkd.runs.validating.wording import answered, remarks
from cxrkd.text import interval, mean_of, number

WHY = (
    "A run is tested on patients of the data set that it learned from. What it is worth elsewhere, or by other labels "
    "of the same films, only other films and labels can say."
)

FIRST_SEED = "Curves and the AUROC of their legend are of the first seed of each member, all else is a mean over seeds."


def draw(run: Run) -> None:
    """The validations of the run, one of them whole; or the empty state that says how one is made."""
    done = [one for one in validations_of(run) if one.state.status == "done"]
    if not done:
        command = f"python -m cxrkd evaluate {shlex.quote(run.id)} --kind folder --folder DIR"
        layout.empty_state(f"This run was not measured on other films yet. {WHY} On the command line: `{command}`.")
        return
    validation = _chosen(done)
    metrics, facts = validation.metrics(), validation.facts()
    st.markdown(
        f"**{layout.literal(validation.name)}**: {facts.n_films:,} films of {facts.n_patients:,} patients of "
        f"{layout.literal(facts.data)}."
    )
    tiles.headline(metrics)
    layout.notice(tiles.in_words(metrics))
    layout.notice(layout.literal(" ".join([answered(facts), *remarks(facts)])))
    _curves(validation, metrics, study_of(validation))
    st.header("Beside its own test films", anchor=False)
    comparison = compare_with_own(validation)
    layout.table(beside_table(comparison), height="content", key="beside_table")
    st.caption(f"AUROC on the run's own test films | on these. {_means(comparison)}")


def _chosen(done: list[Validation]) -> Validation:
    if len(done) == 1:
        return done[0]
    by_id = {one.id: one for one in done}
    return by_id[st.selectbox("Films", list(by_id), format_func=lambda i: by_id[i].name, key="validation")]


def _curves(validation: Validation, metrics: RunMetrics, study: ReaderStudy | None) -> None:
    labels = tables.evaluable(metrics)
    if not labels:
        return
    st.header("Radiologists and networks" if study else "ROC", anchor=False)
    label = st.selectbox("Finding", labels, format_func=display_name, key="validation_label")
    test, k = validation.test(), validation.run().labels.index(label)
    drawn = tables.roc_curves({member: test[member] for member in metrics.members}, k)
    marks = readers.marks(study, label) if study else []
    figure, words = layout.side_by_side()
    with figure:
        layout.chart(quality.roc(drawn, marks), key="validation_roc", alt=f"ROC curves for {display_name(label)}")
        st.caption(FIRST_SEED)
    with words:
        if study is None:
            layout.table(tables.auroc_table(metrics), height="content", key="validation_auroc")
        else:
            layout.table(readers.reach_at(study, label), height="content", key="reach_label")
            st.caption("Sensitivity of the network at the radiologist's specificity minus the radiologist's own.")
            layout.notice(tables.minus(readers.in_words(study)))
    if study is not None:
        with st.expander("Every finding and radiologist"):
            layout.table(readers.reach_table(study), height="content", key="reach_table")
            st.caption(
                "Sensitivity and specificity of the radiologist; then the network's sensitivity at the radiologist's "
                "specificity minus the radiologist's sensitivity, 95 % interval by patient and over seeds."
            )
            layout.table(tables.auroc_table(metrics), height="content", key="validation_auroc")


def beside_table(comparison: Comparison) -> pd.DataFrame:
    """A row a finding: AUROC on the run's own test films, and here, of each member; means over what counts on both."""
    members = {who: comparison.members[who] for who in (*MEMBERS, TRIVIAL) if who in comparison.members}
    rows = []
    for k, label in enumerate(comparison.labels):
        row: dict[str, object] = {"Finding": display_name(label)}
        for who, one in members.items():
            own, here = one.findings[k].own, one.findings[k].here
            row[_title(who)] = f"{number(own.auroc)} | {number(here.auroc)}"
        rows.append(row)
    return pd.DataFrame(rows)


def _title(who: str) -> str:
    return tables.NO_ANATOMY if who == TRIVIAL else MEMBER_NAMES[who]


def _means(comparison: Comparison) -> str:
    """Means over the findings that count on both sides, in words."""
    parts = []
    for who, one in comparison.members.items():
        if one.n_both:
            own, here = (interval(mean.auroc, mean.low, mean.high) for mean in (one.mean_own, one.mean_here))
            parts.append(f"{_title(who)}, {mean_of(one.n_both)}: {own} and {here}.")
    return " ".join(parts)
