"""Results: how good each member is, label by label, with intervals, and what distillation gained."""

from functools import partial

import streamlit as st

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.dashboard import layout, tables, tiles
from cxrkd.dashboard.caching import run_figures
from cxrkd.dashboard.charts import quality
from cxrkd.dashboard.results import compare, elsewhere, stress
from cxrkd.evaluate import MIN_POSITIVE_PATIENTS, MIN_SEEDS, MIN_THRESHOLD_PATIENTS
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import Predictions
from cxrkd.text import mean_of, number

FIRST_SEED = (
    "Curves are of the first seed of each member, whose weights are kept, and so are the figures in the legends."
)
TOO_FEW = f"None of these findings has {MIN_POSITIVE_PATIENTS} positive test patients"


def choose_findings(run: Run) -> list[str]:
    """The findings to measure and to average over, as `evaluate --labels` takes them; all when none is chosen."""
    chosen = st.multiselect(
        "Findings",
        run.labels,
        format_func=display_name,
        key=f"results_findings_{run.id}",
        placeholder="All findings with enough patients",
        help="figures, means and differences of these alone; a finding with fewer than "
        f"{MIN_POSITIVE_PATIENTS} positive patients never counts",
    )
    return [label for label in run.labels if label in chosen]


def headline(run: Run, metrics: RunMetrics) -> None:
    tiles.headline(metrics)
    phantoms = f"{layout.PHANTOM_RESULT} " if run.config.data.kind == "phantom" else ""
    layout.notice(phantoms + tiles.in_words(metrics))


def curves(run: Run, metrics: RunMetrics) -> None:
    labels = tables.evaluable(metrics)
    if not labels:
        layout.empty_state(f"{TOO_FEW}, so no curve is drawn.")
        return
    label = st.selectbox("Finding", labels, format_func=display_name, key="results_label")
    k, predictions = run.labels.index(label), read_predictions(run, metrics)
    left, right = layout.side_by_side()
    with left:
        st.header("ROC", anchor=False)
        layout.chart(
            quality.roc(tables.roc_curves(predictions, k)), key="roc", alt=f"ROC curves for {display_name(label)}"
        )
    with right:
        st.header("Precision and recall", anchor=False)
        drawn, prevalence = tables.pr_curves(predictions, k)
        figure = quality.precision_recall(drawn, prevalence)
        layout.chart(figure, key="pr", alt=f"Precision-recall curves for {display_name(label)}")
    st.caption(f"{FIRST_SEED} They print AUROC and average precision; Per label has means over seeds.")


def read_predictions(run: Run, metrics: RunMetrics) -> dict[Member, Predictions]:
    return {member: run_figures.predictions(run, member) for member in metrics.members}


def per_label(run: Run, metrics: RunMetrics) -> None:
    left, right = layout.side_by_side()
    with left:
        st.header("AUROC with 95 % interval", anchor=False)
        rows = {
            str(member): tables.label_intervals(member_metrics.over_seeds)
            for member, member_metrics in metrics.members.items()
        }
        layout.chart(quality.forest(metrics.labels, rows), key="forest", alt="AUROC of each finding and member")
    with right:
        st.header("Gain of distillation", anchor=False)
        if metrics.gain is None:
            layout.notice(tiles.NO_CONTROL)
        else:
            rows_gain = tables.difference_intervals(metrics.gain)
            figure = quality.differences(metrics.labels, rows_gain, "distilled", "alone", beside=len(rows))
            layout.chart(figure, key="gain", alt="Paired AUROC difference of each finding")
            st.caption("A hollow marker: the interval holds zero, so no difference is shown.")
    layout.table(tables.auroc_table(metrics), height="content", key="auroc_table")
    st.caption("Means over the seeds of each member.")
    st.download_button(
        "All figures as CSV",
        tables.metrics_csv(metrics),
        f"{run.id}-metrics.csv",
        "text/csv",
        icon=":material/download:",
    )


def calibration(run: Run, metrics: RunMetrics) -> None:
    labels = tables.evaluable(metrics)
    if not labels:
        layout.empty_state(f"{TOO_FEW} to be calibrated on.")
        return
    every = mean_of(len(labels)).capitalize()
    shown = st.selectbox("Finding", [every, *labels], format_func=display_name, key="calibration_label")
    label = None if shown == every else shown
    left, right = layout.side_by_side()
    with left:
        columns = [run.labels.index(name) for name in (labels if label is None else [label])]
        figure = quality.reliability(tables.reliability_curves(read_predictions(run, metrics), columns))
        layout.chart(figure, key="reliability", alt="Reliability diagram")
        pooled = " The answers about all these findings are pooled." if label is None and len(labels) > 1 else ""
        st.caption(f"First seed of each member.{pooled}")
    with right:
        cells = st.grid(3, min_column_width=110)
        for member, member_metrics in metrics.members.items():
            ece, brier = tables.calibration(member_metrics.over_seeds, label)
            with cells.cell():
                st.metric(f"{MEMBER_NAMES[member]}, ECE", number(ece))
                st.metric("Brier score", number(brier))
        st.caption(
            f"{every if label is None else display_name(label)}, mean over seeds. ECE: expected calibration error of "
            "each finding, 15 equal-width bins. Lower is better for both."
        )
    operating_points(metrics)


def operating_points(metrics: RunMetrics) -> None:
    chosen = layout.choose(
        "Operating points of", [MEMBER_NAMES[m] for m in metrics.members], MEMBER_NAMES["teacher"], key="operating"
    )
    member = next(m for m in metrics.members if MEMBER_NAMES[m] == chosen)
    points = tables.operating_points(metrics, member)
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in ("F1", "Average precision")}
    layout.table(points, height="content", column_config=form, key="points")
    st.caption(
        "First seed of each member. Thresholds come from validation patients (Youden), the rest from test patients. "
        f"A dash: fewer than {MIN_THRESHOLD_PATIENTS} positive validation patients, so the finding is not judged."
    )


def seeds(metrics: RunMetrics) -> None:
    values = {
        str(member): member_metrics.over_seeds.seed_macro_auroc for member, member_metrics in metrics.members.items()
    }
    figure = quality.seeds(values, f"{tables.mean_auroc(metrics)}; one point a seed")
    layout.chart(figure, key="seeds", alt="Mean AUROC of each seed")
    if max(len(v) for v in values.values()) < MIN_SEEDS:
        layout.notice("Fewer than three seeds: the scatter between trainings is not known, so no gain can be claimed.")


def page() -> None:
    run = layout.frame(
        "Results", "How well each model tells the findings apart, on patients that none of them has seen."
    )
    if run is None:
        layout.no_run()
        return
    asked = choose_findings(run)
    metrics = run_figures.metrics(run, asked)
    headline(run, metrics)
    drawn = {
        "Curves": partial(curves, run, metrics),
        "Per label": partial(per_label, run, metrics),
        "Calibration": partial(calibration, run, metrics),
        "Seeds": partial(seeds, metrics),
        "Other films": partial(elsewhere.draw, run),
        "Stress": partial(stress.draw, run),
        "Compare": partial(compare.draw, run, metrics, asked),
    }
    tabs = st.tabs(list(drawn), key="results_tabs", on_change="rerun")  # what nobody looks at is not drawn
    for tab, draw in zip(tabs, drawn.values(), strict=True):
        with tab, layout.boundary():
            if tab.open:
                draw()


with layout.boundary():
    page()
