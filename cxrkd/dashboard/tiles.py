"""Large numbers with their interval and what they are a mean of, and the gain in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard.efficiency import costs
from cxrkd.dashboard.tables import left_out, minus
from cxrkd.evaluate import ModelMetrics, PairedDifference
from cxrkd.evaluate.wording import gain_verdict
from cxrkd.models.network import network_title
from cxrkd.runs.metrics import MemberMetrics, RunMetrics
from cxrkd.text import MISSING, NOT_ENOUGH, interval, mean_of, number, percent

SKILL = "Skill is what AUROC has above chance: (AUROC − 0.5) / (teacher's AUROC − 0.5)."
NO_ANATOMY = (
    "What two regressions reach on the same films that see no anatomy: one on the power spectrum, which is sharpness, "
    "one on a thumbnail of 16 x 16 pixels. A network is worth what it has above that."
)
NO_CONTROL = "This run trained no student alone, so what distillation adds was not measured."


def figure(title: str, value: str, below: str, *, what: str = "", help: str | None = None) -> None:
    """A large number over its interval, or what it was computed from, and the name of the metric."""
    st.metric(title, value, delta=below, delta_color="off", delta_arrow="off", help=help)
    if what:
        st.caption(what)


def estimate(
    title: str, value: float, low: float, high: float, shown: Callable[[float], str], *, what: str, help: str
) -> None:
    """A figure with its 95 % interval; says so where there are too few cases for one."""
    if math.isnan(value):
        figure(title, MISSING, NOT_ENOUGH, what=what, help=help)
    else:
        point, first, last = (minus(shown(part)) for part in (value, low, high))
        figure(title, point, f"95 %: {first.removesuffix(' %')} to {last}", what=what, help=help)


def auroc(title: str, member_metrics: MemberMetrics) -> None:
    """Mean AUROC of a member over the findings that count and over seeds, with its interval."""
    model = member_metrics.over_seeds
    means = f"{mean_of(model.n_labels)}, {seeds_text(member_metrics.seeds)}"
    tooltip = f"AUROC of {network_title(member_metrics.arch)} on the test patients: {means}"
    estimate(title, model.macro_auroc, model.macro_low, model.macro_high, number, what=auroc_text(model), help=tooltip)


def no_anatomy(model: ModelMetrics) -> None:
    """Mean AUROC of the model that knows no anatomy, over the same findings."""
    what = auroc_text(model)
    estimate("No anatomy", model.macro_auroc, model.macro_low, model.macro_high, number, what=what, help=NO_ANATOMY)


def auroc_text(measured: ModelMetrics | PairedDifference, metric: str = "AUROC") -> str:
    """`AUROC, mean of 5 findings`."""
    return f"{metric}, {mean_of(measured.n_labels)}"


def seeds_text(seeds: Sequence[int]) -> str:
    """`mean of 3 seeds`."""
    return mean_of(len(seeds), "seed")


def gain(difference: PairedDifference | None) -> None:
    """What distillation gained, with its paired interval."""
    if difference is None:
        figure("Distilled − alone", MISSING, "no student alone", what="Difference of AUROC", help=NO_CONTROL)
        return
    tooltip = f"paired by patient, {mean_of(difference.n_seeds, 'seed')}"
    what = auroc_text(difference, "Difference of AUROC")
    estimate(
        "Distilled − alone",
        difference.macro_diff,
        difference.macro_low,
        difference.macro_high,
        _signed,
        what=what,
        help=tooltip,
    )


def _signed(value: float) -> str:
    return number(value, sign=True)


def kept(gap: PairedDifference) -> None:
    """How much of the teacher's AUROC the distilled student keeps."""
    tooltip = "The student's AUROC over the teacher's. AUROC starts at 0.5, so read it beside the share of skill."
    what = auroc_text(gap, "Share of AUROC")
    estimate("Kept of the teacher", gap.ratio, gap.ratio_low, gap.ratio_high, percent, what=what, help=tooltip)


def kept_skill(gap: PairedDifference) -> None:
    """How much of the teacher's AUROC above chance the distilled student keeps."""
    what = auroc_text(gap, "Share of skill")
    if math.isnan(gap.skill) and not math.isnan(gap.ratio):
        figure("Kept of its skill", MISSING, "teacher no better than chance", what=what, help=SKILL)
        return
    estimate("Kept of its skill", gap.skill, gap.skill_low, gap.skill_high, percent, what=what, help=SKILL)


def gain_sentence(metrics: RunMetrics) -> str:
    """The gain in words, as careful as the number of seeds and the interval ask for."""
    return NO_CONTROL if metrics.gain is None else gain_verdict(metrics.gain)


def above_sentence(metrics: RunMetrics) -> str:
    """How far the distilled student is above the model that knows no anatomy; empty where nobody asked that."""
    above = metrics.above
    if above is None or math.isnan(above.macro_diff):
        return ""
    shown = minus(interval(above.macro_diff, above.macro_low, above.macro_high, sign=True))
    return f"Distilled minus a model without anatomy, paired: {shown}."


def headline(metrics: RunMetrics) -> None:
    """Mean AUROC of every member and of the model without anatomy, and the gain, side by side."""
    with st.container(border=True):
        cells = st.grid(5, min_column_width=150)
        for member, member_metrics in metrics.members.items():
            with cells.cell():
                auroc(MEMBER_NAMES[member], member_metrics)
        if metrics.trivial is not None:
            with cells.cell():
                no_anatomy(metrics.trivial)
        with cells.cell():
            gain(metrics.gain)


def in_words(metrics: RunMetrics) -> str:
    """What the headline of a run comes to: the gain, what is above a model without anatomy, what was not counted."""
    return " ".join(filter(None, (gain_sentence(metrics), above_sentence(metrics), left_out(metrics))))


def ratio(title: str, teacher: float, student: float, form: Callable[[float], str], *, what: str = "") -> None:
    """How many times less the student needs, over a line with both figures."""
    figure(title, f"{teacher / student:.1f} ×", f"{form(teacher)} → {form(student)}", what=what)


def latency(latencies: costs.Latencies, student: str) -> None:
    """How many times faster the student answers, each member on its own best engine; a dash before it is measured."""
    best = costs.best(latencies.rows)
    if "teacher" not in best or student not in best:
        figure("Faster on this machine", MISSING, latencies.source if latencies.pending else "no engine was timed")
        return
    ratio("Faster on this machine", best["teacher"], best[student], "{:.1f} ms".format, what=latencies.source)
