"""Efficiency: what each member costs, counted and measured on this machine, against how good it is."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.cost.complexity import Complexity
from cxrkd.dashboard import layout, lighter, tables, tiles, waiting
from cxrkd.dashboard.caching import run_figures, showcases
from cxrkd.dashboard.charts import cost
from cxrkd.dashboard.efficiency import costs, latency
from cxrkd.errors import BusyError
from cxrkd.runs import Run

COMPARING = (
    "The engines of this machine are being compared, once for these models. Their latencies appear here by themselves; "
    "PyTorch answers meanwhile."
)
COSTS = {
    "MACs": ("macs", "Multiply-adds (MACs) per image"),
    "Parameters": ("params", "Parameters"),
    "Size": ("size_mb", "Size of the weights in float32, MB"),
    "Latency": ("latency", "Median latency on the fastest engine, ms"),
}


def headline(counted: dict[Member, Complexity]) -> DeltaGenerator:
    """How much less the student costs; returns the cell for its speed, which takes time to find out."""
    student = tables.best_student(counted)
    cells = st.grid(4, min_column_width=170)
    for title, teacher, small, form in (
        ("Fewer parameters", counted["teacher"].params, counted[student].params, cost.si),
        ("Fewer multiply-adds", counted["teacher"].macs, counted[student].macs, cost.si),
        ("Smaller file", counted["teacher"].size_mb, counted[student].size_mb, "{:.1f} MB".format),
    ):
        with cells.cell():
            tiles.ratio(title, teacher, small, form)
    return cells.cell()


def measure(run: Run) -> costs.Latencies:
    left, right = st.columns([1, 2], vertical_alignment="center")
    pressed = left.button("Measure latency", icon=":material/timer:")
    right.caption(
        "Each member on each engine, one image at a time, with the scatter. Takes under a minute; other work slows it."
    )
    if pressed:
        bar = st.progress(0.0, text="Preparing the engines")
        try:
            latency.measure(run, waiting.visitor(), lambda done, what: bar.progress(done, text=what))
        except BusyError as error:
            waiting.busy(error)
        bar.empty()
    latencies = latency.latencies(run)
    if latencies.pending:
        layout.empty_state(COMPARING)
        waiting.for_engines(run, run.members())
        return latencies
    if not costs.latency_bars(latencies.rows):
        layout.empty_state("No engine was timed yet. Press the button.")
        return latencies
    layout.chart(cost.latency(costs.latency_bars(latencies.rows)), key="latency", alt="Latency by engine and member")
    layout.table(costs.latency_table(latencies.rows), key="latency_table")
    st.caption(f"Medians, {latencies.source}. They belong to this machine and do not ship with a run.")
    for sentence in costs.remarks(latencies.rows):
        layout.notice(layout.literal(sentence))
    return latencies


def against_cost(run: Run, figures: dict[str, float], title: str) -> None:
    if not figures:
        layout.empty_state("There is no latency yet: see above.")
        return
    metrics = run_figures.metrics(run)
    aurocs = {
        str(member): tables.macro_interval(member_metrics.over_seeds)
        for member, member_metrics in metrics.members.items()
    }
    places = {m: c for m, c in figures.items() if m in aurocs}
    figure = cost.auroc_against_cost(places, aurocs, title, tables.mean_auroc(metrics))
    layout.chart(figure, key="cost", alt=f"Mean AUROC against {title}")
    st.caption("Whiskers: 95 % over patients and seeds. Students of one network cost the same and are drawn apart.")


def page(run: Run) -> None:
    counted = showcases.complexities(run)
    speed = headline(counted)
    lighter.offer(run)
    st.header("Counted", anchor=False)
    layout.table(costs.complexity_table(run_figures.metrics(run), counted), key="counts")
    st.caption(
        "A MAC is one multiply-add, two floating-point operations. Papers often print MACs under the name FLOPs."
    )
    st.header("Measured", anchor=False)
    measured = st.container()
    st.header("Quality against cost", anchor=False)
    field, title = COSTS[layout.choose("Cost", list(COSTS), "MACs", key="cost_axis")]
    quality = st.container()
    if field != "latency":
        with quality:
            against_cost(run, {str(m): float(getattr(complexity, field)) for m, complexity in counted.items()}, title)
    with measured:  # after what is only counted: a network's engines take their time to start
        latencies = measure(run)
    with speed:
        tiles.latency(latencies, tables.best_student(counted))
    if field == "latency":
        with quality:
            against_cost(run, costs.best(latencies.rows), title)


with layout.boundary():
    chosen_run = layout.frame(
        "Efficiency", f"What {MEMBER_NAMES['teacher'].lower()} and students cost to keep and to run."
    )
    if chosen_run is None:
        layout.no_run()
    else:
        page(chosen_run)
