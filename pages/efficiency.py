"""Efficiency: what each member costs, counted and measured on this machine, against how good it is."""

import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import caching, costs, measuring, parts, tables, tiles
from cxrkd.dashboard.charts import cost
from cxrkd.runs import Run

COSTS = {
    "MACs": ("macs", "Multiply-adds (MACs) per image"),
    "Parameters": ("params", "Parameters"),
    "Size": ("size_mb", "Size of the weights in float32, MB"),
    "Latency": ("latency", "Median latency on the fastest engine, ms"),
}


def headline(run: Run) -> None:
    counted = caching.complexities(run)
    student = "distilled" if "distilled" in counted else next(iter(counted))
    cells = st.grid(4, min_column_width=170)
    for title, teacher, small, form in (
        ("Fewer parameters", counted["teacher"].params, counted[student].params, cost.si),
        ("Fewer multiply-adds", counted["teacher"].macs, counted[student].macs, cost.si),
        ("Smaller file", counted["teacher"].size_mb, counted[student].size_mb, "{:.1f} MB".format),
    ):
        with cells.cell():
            tiles.ratio(title, teacher, small, form)
    with cells.cell():
        tiles.latency(measuring.measured(run), student)


def measure(run: Run) -> None:
    found = measuring.measured(run)
    left, right = st.columns([1, 2], vertical_alignment="center")
    pressed = left.button("Measure latency", icon=":material/timer:", type="secondary" if found else "primary")
    right.caption("Each member on each engine, one image at a time. Takes under a minute; other work slows it down.")
    if pressed:
        bar = st.progress(0.0, text="Preparing the engines")
        found = measuring.measure(run, lambda done, what: bar.progress(done, text=what))
        bar.empty()
    if not found:
        parts.empty_state("Latency depends on the machine, so it is measured here and not shipped. Press the button.")
        return
    parts.chart(cost.latency(costs.timings(found)), key="latency", alt="Latency by engine and member")
    st.dataframe(costs.latency_table(found), hide_index=True, key="latency_table")
    for sentence in costs.disagreements(found):
        parts.notice(sentence)


def against_cost(run: Run) -> None:
    chosen = parts.choose("Cost", list(COSTS), "MACs", key="cost_axis")
    field, title = COSTS[chosen]
    metrics, counted, measured = caching.metrics(run), caching.complexities(run), measuring.measured(run)
    if field == "latency":
        figures = costs.best(measured)
    else:
        figures = {str(member): float(getattr(counted[member], field)) for member in counted}
    if not figures:
        parts.empty_state("Measure the latency first, with the button above.")
        return
    aurocs = {str(member): tables.macro_interval(found.over_seeds) for member, found in metrics.members.items()}
    figure = cost.auroc_against_cost({m: c for m, c in figures.items() if m in aurocs}, aurocs, title)
    parts.chart(figure, key="cost", alt=f"Macro AUROC against {chosen}")
    st.caption("Whiskers: 95 % over patients and seeds. Students of one network cost the same and are drawn apart.")


def page(run: Run) -> None:
    top = st.container()
    st.subheader("Counted", anchor=False)
    st.dataframe(costs.complexity_table(caching.metrics(run), caching.complexities(run)), hide_index=True, key="counts")
    st.caption(
        "A MAC is one multiply-add, two floating-point operations. Papers often print MACs under the name FLOPs."
    )
    st.subheader("Measured", anchor=False)
    measure(run)
    st.subheader("Quality against cost", anchor=False)
    against_cost(run)
    with top:  # last, because measuring changes it
        headline(run)


with parts.boundary():
    chosen_run = parts.frame(
        "Efficiency", f"What {MEMBER_NAMES['teacher'].lower()} and students cost to keep and to run."
    )
    if chosen_run is None:
        parts.no_run()
    else:
        page(chosen_run)
