"""The run beside others: how good and how costly each member is, label by label, how it learned, what was set apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrkd.config import MEMBER_NAMES, MEMBERS, Member
from cxrkd.dashboard import layout, tables, tiles
from cxrkd.dashboard.caching import run_figures, showcases
from cxrkd.dashboard.charts import style, training
from cxrkd.labels import display_name
from cxrkd.models.network import network_title
from cxrkd.runs import Run
from cxrkd.runs.choosing import finished_runs
from cxrkd.runs.metrics import RunMetrics

MOST = 5
"""Runs beside the one that is open: more lines and columns nobody tells apart."""


def draw(run: Run, metrics: RunMetrics, asked: Sequence[str]) -> None:
    """Everything below the choice of runs.

    Args:
        run: that is open.
        metrics: its figures of the findings asked for.
        asked: those findings; empty for all.
    """
    others = {other.id: other for other in finished_runs() if other.id != run.id}
    if not others:
        layout.empty_state("There is no second finished run to compare with.", "distill")
        return
    chosen = _choose(others)
    shown = {run.id: (run, metrics)}
    for other in chosen:
        known = [label for label in asked if label in other.labels]
        if asked and not known:
            layout.empty_state(f"{layout.literal(layout.run_title(other))} knows none of the findings chosen above.")
        else:
            shown[other.id] = (other, run_figures.metrics(other, known))
    if len(shown) > 1:
        _beside(run, metrics, shown)


def _choose(others: Mapping[str, Run]) -> list[Run]:
    chosen = st.multiselect(
        "Compare with",
        list(others),
        list(others)[:1],
        format_func=lambda name: layout.run_title(others[name]),
        key="other_runs",
        max_selections=MOST,
        placeholder="Choose one run or more",
    )
    return [others[name] for name in chosen]


def _beside(run: Run, metrics: RunMetrics, shown: Mapping[str, tuple[Run, RunMetrics]]) -> None:
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in ("AUROC", "Parameters, M", "MACs, G")}
    layout.table(members_table(shown), height="content", column_config=form, key="comparison")
    st.caption("AUROC on the test patients of each run, mean of the findings that count there, and of seeds.")
    for other, theirs in list(shown.values())[1:]:
        _differences(run, metrics, other, theirs)
    of_all = [member for member in MEMBERS if any(member in its.members for _, its in shown.values())]
    names = [MEMBER_NAMES[member] for member in of_all]
    last = layout.choose("Curves and findings of", names, names[-1], key="compared_member")
    member = of_all[names.index(last)]
    left, right = layout.side_by_side()
    with left:
        st.header("Learning", anchor=False)
        _curves(shown, member)
    with right:
        st.header("AUROC of each finding", anchor=False)
        per_label = labels_table(shown, member)
        numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in per_label if name != "Finding"}
        layout.table(per_label, height="content", column_config=numbers, key="compared_labels")
    st.header("What was set differently", anchor=False)
    changed = tables.config_differences({name: one.config for name, (one, _) in shown.items()})
    if changed.empty:
        st.markdown("Nothing but the name.")
    else:
        layout.table(changed, height="content", key="config_difference")


def _curves(shown: Mapping[str, tuple[Run, RunMetrics]], member: Member) -> None:
    events = {layout.run_title(one): one.events() for one, _ in shown.values()}
    figure = training.curves_of_runs(events, member, "val_auroc", "Mean AUROC on validation", style.auroc_span)
    layout.chart(figure, key="compared_curves", alt="Validation AUROC by epoch of each run")
    first, *others = (one.config.data for one, _ in shown.values())
    if any(other != first for other in others):
        st.caption("The runs were validated on different images: the shapes can be compared, the heights cannot.")


def _differences(run: Run, metrics: RunMetrics, other: Run, theirs: RunMetrics) -> None:
    for member in (m for m in metrics.members if m in theirs.members):
        difference = run_figures.difference(run, other, member, metrics.labels)
        if difference is None:
            layout.notice(
                f"{layout.literal(f'{run.id} and {other.id}')} were tested on different images, so differences between "
                "them are not paired."
            )
            return
        st.markdown(
            f"**{MEMBER_NAMES[member]}**, {layout.literal(f'{run.id} − {other.id}')}, same test images, "
            f"{tiles.auroc_text(difference)}: "
            + tables.with_interval(difference.macro_diff, difference.macro_low, difference.macro_high, sign=True)
        )


def members_table(shown: Mapping[str, tuple[Run, RunMetrics]]) -> pd.DataFrame:
    """One row a run and member: network, macro AUROC with interval, parameters, multiply-adds."""
    rows = []
    for name, (run, metrics) in shown.items():
        for member, measured in metrics.members.items():
            cost, model = showcases.complexity(run, member), measured.over_seeds
            rows.append(
                {
                    "Run": name,
                    "Model": MEMBER_NAMES[member],
                    "Network": network_title(measured.arch),
                    "AUROC": model.macro_auroc,
                    "95 % interval": f"{model.macro_low:.3f} to {model.macro_high:.3f}",
                    "Findings": model.n_labels,
                    "Parameters, M": cost.params / 1e6,
                    "MACs, G": cost.macs / 1e9,
                }
            )
    return pd.DataFrame(rows)


def labels_table(shown: Mapping[str, tuple[Run, RunMetrics]], member: Member) -> pd.DataFrame:
    """AUROC of one member for each finding, a column a run; missing where a run has no such figure."""
    columns = {
        name: {row.label: row.auroc for row in its.members[member].over_seeds.labels if row.evaluable}
        for name, (_, its) in shown.items()
        if member in its.members
    }
    labels = list(dict.fromkeys(label for _, its in shown.values() for label in its.labels))
    return pd.DataFrame(
        [{"Finding": display_name(label)} | {n: c.get(label) for n, c in columns.items()} for label in labels]
    )
