"""Large numbers with their interval and what they are a mean of, and the gain in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from cxrkd.dashboard.efficiency import costs
from cxrkd.dashboard.tables import left_out, minus
from cxrkd.evaluate import ModelMetrics, PairedDifference
from cxrkd.evaluate.wording import gain_verdict
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
        told, first, last = (minus(shown(part)) for part in (value, low, high))
        figure(title, told, f"95 %: {first.removesuffix(' %')} to {last}", what=what, help=help)


def auroc(title: str, found: MemberMetrics) -> None:
    """Mean AUROC of a member over the findings that count and over seeds, with its interval."""
    model = found.over_seeds
    about = f"AUROC of {found.arch} on the test patients: {mean_of(model.n_labels)}, {seeds_text(found.seeds)}"
    estimate(title, model.macro_auroc, model.macro_low, model.macro_high, number, what=auroc_text(model), help=about)


def no_anatomy(found: ModelMetrics) -> None:
    """Mean AUROC of the model that knows no anatomy, over the same findings."""
    what = auroc_text(found)
    estimate("No anatomy", found.macro_auroc, found.macro_low, found.macro_high, number, what=what, help=NO_ANATOMY)


def auroc_text(found: ModelMetrics | PairedDifference, metric: str = "AUROC") -> str:
    """`AUROC, mean of 5 findings`."""
    return f"{metric}, {mean_of(found.n_labels)}"


def seeds_text(seeds: Sequence[int]) -> str:
    """`mean of 3 seeds`."""
    return mean_of(len(seeds), "seed")


def gain(found: PairedDifference | None) -> None:
    """What distillation gained, with its paired interval."""
    if found is None:
        figure("Distilled − alone", MISSING, "no student alone", what="Difference of AUROC", help=NO_CONTROL)
        return
    about = f"paired by patient, {mean_of(found.n_seeds, 'seed')}"
    what = auroc_text(found, "Difference of AUROC")
    estimate("Distilled − alone", found.macro_diff, found.macro_low, found.macro_high, _signed, what=what, help=about)


def _signed(value: float) -> str:
    return number(value, sign=True)


def kept(found: PairedDifference) -> None:
    """How much of the teacher's AUROC the distilled student keeps."""
    about = "The student's AUROC over the teacher's. AUROC starts at 0.5, so read it beside the share of skill."
    what = auroc_text(found, "Share of AUROC")
    estimate("Kept of the teacher", found.ratio, found.ratio_low, found.ratio_high, percent, what=what, help=about)


def kept_skill(found: PairedDifference) -> None:
    """How much of the teacher's AUROC above chance the distilled student keeps."""
    what = auroc_text(found, "Share of skill")
    if math.isnan(found.skill) and not math.isnan(found.ratio):
        figure("Kept of its skill", MISSING, "teacher no better than chance", what=what, help=SKILL)
        return
    estimate("Kept of its skill", found.skill, found.skill_low, found.skill_high, percent, what=what, help=SKILL)


def gain_sentence(metrics: RunMetrics) -> str:
    """The gain in words, as careful as the number of seeds and the interval ask for."""
    return NO_CONTROL if metrics.gain is None else gain_verdict(metrics.gain)


def above_sentence(metrics: RunMetrics) -> str:
    """How far the distilled student is above the model that knows no anatomy; empty where nobody asked that."""
    found = metrics.above
    if found is None or math.isnan(found.macro_diff):
        return ""
    shown = minus(interval(found.macro_diff, found.macro_low, found.macro_high, sign=True))
    return f"Distilled minus a model without anatomy, paired: {shown}."


def in_words(metrics: RunMetrics) -> str:
    """What the headline of a run comes to: the gain, what is above a model without anatomy, what was not counted."""
    return " ".join(filter(None, (gain_sentence(metrics), above_sentence(metrics), left_out(metrics))))


def ratio(title: str, teacher: float, student: float, form: Callable[[float], str], *, what: str = "") -> None:
    """How many times less the student needs, over a line with both figures."""
    figure(title, f"{teacher / student:.1f} ×", f"{form(teacher)} → {form(student)}", what=what)


def latency(found: costs.Latencies, student: str) -> None:
    """How many times faster the student answers, each member on its own best engine; a dash before it is measured."""
    best = costs.best(found.rows)
    if "teacher" not in best or student not in best:
        figure("Faster on this machine", MISSING, found.source if found.pending else "no engine was timed")
        return
    ratio("Faster on this machine", best["teacher"], best[student], "{:.1f} ms".format, what=found.source)
