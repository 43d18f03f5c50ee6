"""Results: how good each member is, label by label, with intervals, and what distillation gained."""

import streamlit as st

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard import caching, parts, tables, tiles
from cxrkd.dashboard.charts import quality
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.answer import finished_runs
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import Predictions


def headline(metrics: RunMetrics) -> None:
    with st.container(border=True):
        cells = st.grid(4, min_column_width=170)
        for member, found in metrics.members.items():
            with cells.cell():
                tiles.auroc(MEMBER_NAMES[member], found)
        with cells.cell():
            tiles.gain(metrics.gain)
    parts.notice(tiles.gain_sentence(metrics))


def curves(run: Run, metrics: RunMetrics) -> None:
    labels = tables.evaluable(metrics)
    if not labels:
        parts.empty_state("No label has ten positive test images, so there is no curve worth drawing.", "distill")
        return
    label = st.selectbox("Label", labels, format_func=display_name, key="results_label")
    k, said = metrics.labels.index(label), read_predictions(run, metrics)
    left, right = parts.side_by_side()
    with left:
        st.subheader("ROC", anchor=False)
        parts.chart(quality.roc(tables.roc_curves(said, k)), key="roc", alt=f"ROC curves for {label}")
    with right:
        st.subheader("Precision and recall", anchor=False)
        drawn, prevalence = tables.pr_curves(said, k)
        parts.chart(quality.precision_recall(drawn, prevalence), key="pr", alt=f"Precision-recall curves for {label}")
    st.caption("First seed of each member. The legends print AUROC and average precision.")


def read_predictions(run: Run, metrics: RunMetrics) -> dict[Member, Predictions]:
    return {member: caching.predictions(run, member) for member in metrics.members}


def per_label(run: Run, metrics: RunMetrics) -> None:
    left, right = parts.side_by_side()
    with left:
        st.subheader("AUROC with 95 % interval", anchor=False)
        rows = {str(member): tables.label_intervals(found.over_seeds) for member, found in metrics.members.items()}
        parts.chart(quality.forest(metrics.labels, rows), key="forest", alt="AUROC of each label and member")
    with right:
        st.subheader("Gain of distillation", anchor=False)
        if metrics.gain is None:
            parts.notice("This run trained no student alone, so there is no gain to show.")
        else:
            rows_gain = tables.difference_intervals(metrics.gain)
            figure = quality.differences(metrics.labels, rows_gain, "distilled", "alone", beside=len(rows))
            parts.chart(figure, key="gain", alt="Paired AUROC difference of each label")
            st.caption("A hollow marker: the interval holds zero, so no difference is shown.")
    st.dataframe(tables.auroc_table(metrics), hide_index=True, height="content", key="auroc_table")
    st.download_button(
        "All figures as CSV",
        tables.metrics_csv(metrics),
        f"{run.id}-metrics.csv",
        "text/csv",
        icon=":material/download:",
    )


def calibration(run: Run, metrics: RunMetrics) -> None:
    labels = ["All labels pooled", *tables.evaluable(metrics)]
    shown = st.selectbox("Label", labels, format_func=display_name, key="calibration_label")
    columns = [metrics.labels.index(label) for label in labels[1:]]
    k = columns if shown == labels[0] else metrics.labels.index(shown)
    left, right = parts.side_by_side()
    with left:
        figure = quality.reliability(tables.reliability_curves(read_predictions(run, metrics), k))
        parts.chart(figure, key="reliability", alt="Reliability diagram")
    with right:
        cells = st.grid(3, min_column_width=110)
        for member, found in metrics.members.items():
            with cells.cell():
                st.metric(f"{MEMBER_NAMES[member]}, ECE", tables.number(found.model.ece))
                st.metric("Brier score", tables.number(found.model.brier))
        st.caption("Means over the labels with enough cases. ECE: 15 equal-width bins. Lower is better for both.")
    chosen = parts.choose(
        "Operating points of", [MEMBER_NAMES[m] for m in metrics.members], MEMBER_NAMES["teacher"], key="operating"
    )
    member = next(m for m in metrics.members if MEMBER_NAMES[m] == chosen)
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in tables.operating_points(metrics, member)[1:]}
    form.pop("Label", None)
    st.dataframe(
        tables.operating_points(metrics, member), hide_index=True, height="content", column_config=form, key="points"
    )
    st.caption(
        "First seed of each member. Thresholds come from validation patients (Youden), the rest from test patients."
    )


def seeds(metrics: RunMetrics) -> None:
    values = {str(member): found.over_seeds.seed_macro_auroc for member, found in metrics.members.items()}
    parts.chart(quality.seeds(values), key="seeds", alt="Macro AUROC of each seed")
    if max(len(v) for v in values.values()) < 3:
        parts.notice("Fewer than three seeds: the scatter between trainings is not known, so no gain can be claimed.")


def compare(run: Run, metrics: RunMetrics) -> None:
    others = {other.id: other for other in finished_runs() if other.id != run.id}
    if not others:
        parts.empty_state("There is no second finished run to compare with.", "distill")
        return
    other = others[
        st.selectbox("Compare with", list(others), format_func=lambda i: parts.run_title(others[i]), key="other_run")
    ]
    theirs = caching.metrics(other)
    st.dataframe(tables.comparison(run.id, metrics, other.id, theirs), hide_index=True, key="comparison")
    shared = [m for m in metrics.members if m in theirs.members]
    for member in shared:
        difference = caching.difference(run, member, other, member)
        if difference is None:
            parts.notice("The two runs were tested on different images, so differences between them are not paired.")
            return
        st.markdown(
            f"**{MEMBER_NAMES[member]}**, {run.id} − {other.id}, same test images: "
            + tables.with_interval(difference.macro_diff, difference.macro_low, difference.macro_high, sign=True)
        )
    st.subheader("What was set differently", anchor=False)
    changed = tables.config_differences(run.config, other.config)
    if changed.empty:
        st.markdown("Nothing but the name.")
    else:
        st.dataframe(changed, hide_index=True, key="config_difference")


def page() -> None:
    run = parts.frame(
        "Results", "How well each model tells the findings apart, on patients that none of them has seen."
    )
    if run is None:
        parts.no_run()
        return
    metrics = caching.metrics(run)
    headline(metrics)
    names = ["Curves", "Per label", "Calibration", "Seeds", "Compare"]
    tabs = st.tabs(names, key="results_tabs")
    with tabs[0], parts.boundary():
        curves(run, metrics)
    with tabs[1], parts.boundary():
        per_label(run, metrics)
    with tabs[2], parts.boundary():
        calibration(run, metrics)
    with tabs[3], parts.boundary():
        seeds(metrics)
    with tabs[4], parts.boundary():
        compare(run, metrics)


with parts.boundary():
    page()
