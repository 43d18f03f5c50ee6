"""Large numbers with their interval, and the gain in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from cxrkd.dashboard import costs
from cxrkd.dashboard.tables import minus
from cxrkd.evaluate import PairedDifference
from cxrkd.runs.metrics import MemberMetrics, RunMetrics


def figure(title: str, value: str, below: str, *, help: str | None = None) -> None:
    """A large number with a quiet line under it: its interval, or what it was computed from."""
    st.metric(title, value, delta=below, delta_color="off", delta_arrow="off", help=help)


def estimate(title: str, value: float, low: float, high: float, form: str, *, help: str) -> None:
    """A figure with its 95 % interval; says so where there are too few positive cases for one."""
    if math.isnan(value):
        figure(title, "–", "not enough cases", help=help)
    else:
        shown = (minus(f"{number:{form}}") for number in (value, low, high))
        figure(title, next(shown), "95 %: {} to {}".format(*shown), help=help)


def auroc(title: str, found: MemberMetrics) -> None:
    """Macro AUROC of a member, mean over seeds, with its interval."""
    model, about = found.over_seeds, f"macro AUROC of {found.arch} on the test patients, mean over seeds"
    estimate(title, model.macro_auroc, model.macro_low, model.macro_high, ".3f", help=about)


def gain(found: PairedDifference | None) -> None:
    """What distillation gained, with its paired interval."""
    about = "paired difference of macro AUROC, mean over seeds"
    if found is None:
        figure("Distilled − alone", "–", "no student alone", help=about)
    else:
        estimate("Distilled − alone", found.macro_diff, found.macro_low, found.macro_high, "+.3f", help=about)


def kept(found: PairedDifference | None) -> None:
    """How much of the teacher's macro AUROC the distilled student keeps."""
    about = "ratio of the macro AUROCs, mean over seeds; AUROC starts at 0.5, so read it beside the AUROCs"
    if found is not None:
        estimate("Kept of the teacher", found.ratio, found.ratio_low, found.ratio_high, ".1%", help=about)


def gain_sentence(metrics: RunMetrics) -> str:
    """The gain in words, as careful as the number of seeds and the interval ask for."""
    gain = metrics.gain
    if gain is None:
        return "This run trained no student alone, so what distillation adds was not measured."
    if math.isnan(gain.macro_diff):
        return "Too few positive test cases to measure a gain."
    seeds = min(gain.n_seeds_a, gain.n_seeds_b)
    if not gain.excludes_zero:
        verdict = "The interval of the gain holds zero: no difference is shown."
    else:
        verdict = "The interval of the gain leaves zero out: " + (
            "distillation helped." if gain.macro_diff > 0 else "distillation did harm."
        )
    scatter = (
        f"{seeds} seeds."
        if seeds >= 3
        else f"{seeds} seed{'s' if seeds > 1 else ''}, three are needed to claim a gain."
    )
    return f"{verdict} {scatter}"


def ratio(title: str, teacher: float, student: float, form: Callable[[float], str]) -> None:
    """How many times less the student needs, over a line with both figures."""
    figure(title, f"{teacher / student:.1f} ×", f"{form(teacher)} → {form(student)}")


def latency(latencies: Sequence[costs.Measured], student: str) -> None:
    """How many times faster the student answers, each member on its own best engine; a dash before it is measured."""
    best = costs.best(latencies)
    if "teacher" not in best or student not in best:
        figure("Faster on this machine", "–", "not measured yet")
        return
    ratio("Faster on this machine", best["teacher"], best[student], "{:.1f} ms".format)
