"""A network as a ZIP to take away: chosen, written and checked when a button is pressed, then offered."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from cxrkd.access.record import recording
from cxrkd.access.roles import ONLY_LOOKS
from cxrkd.config import Member
from cxrkd.dashboard import access, asking, layout, session, tables, tiles, waiting
from cxrkd.dashboard.caching import bundles, run_figures, showcases
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.export.target import TARGETS, Target
from cxrkd.labels import display_name
from cxrkd.models.network import network_title
from cxrkd.runs import Run
from cxrkd.runtime.compute import Rank, shared
from cxrkd.text import mean_of, minus, number

if TYPE_CHECKING:
    from cxrkd.export.bundle import Bundle

WHAT = (
    "One ZIP: the network with its normalisation inside, labels, thresholds, temperatures, what becomes of a film with "
    "a worked example, a model card, and a script that answers a film without this program. It is offered only if it "
    "answers films as PyTorch does."
)
PREPARING = "the file is written and held against PyTorch"
HOW_LONG = "Takes about half a minute; answers to films go first."


def take_away(run: Run) -> None:
    """The section: what there is, a button where the visitor may, and the file once it is ready."""
    st.header("Take it away", anchor=False)
    st.markdown(WHAT)
    member, target = _choose(run)
    st.caption(_about(run, member, target))
    if not access.makes():
        layout.notice(ONLY_LOOKS)
        return
    if _key(run, member, target) in session.current().exports:
        _offer(_made(run, member, target), target)
    elif st.button("Prepare", icon=":material/deployed_code:", type="primary", help=HOW_LONG):
        prepared(run, member, target)
        st.rerun()


def _choose(run: Run) -> tuple[Member, Target]:
    members = {layout.member_title(member): member for member in reversed(run.members())}
    targets = {target.title: target for target in TARGETS.values()}
    member = layout.choose("Network", list(members), next(iter(members)), key="export_member")
    form = layout.choose("Form", list(targets), next(iter(targets)), key="export_target")
    return members[member], targets[form]


def _about(run: Run, member: Member, target: Target) -> str:
    """What the form is, and what the network is worth and weighs."""
    figures, cost = run_figures.metrics(run).of(member), showcases.complexity(run, member)
    known = tables.macro_interval(figures.model)
    auroc = tables.with_interval(known.value, known.low, known.high)
    return (
        f"{target.sentence} {network_title(figures.arch)}: {cost.params / 1e6:.1f} million parameters. AUROC of the "
        f"first seed, whose weights these are: {auroc}, {tiles.auroc_text(figures.model).partition(', ')[2]}."
    )


def _key(run: Run, member: Member, target: Target) -> Hashable:
    return stamp(run.weights_path(member)), target.name


def prepared(run: Run, member: Member, target: Target) -> Bundle:
    """Make it, on the record, and remember that this visitor has it.

    Raises:
        AccessError: the role does not allow it, or the record cannot be written.
        EngineError: a package is missing, or the file does not answer as PyTorch does.
    """
    who = access.current()
    with recording(who, "export", f"{run.id} {member} {target.name}"):
        who.require("make")
        made = _made(run, member, target)
    session.current().exports.add(_key(run, member, target))
    return made


def _made(run: Run, member: Member, target: Target) -> Bundle:
    """The bundle, in the queue of this server behind all answers; at once where somebody has had it made."""

    def make() -> Bundle:
        return bundles.exported(run, member, target.name)

    (made,) = asking.computed([lambda: shared().explain(waiting.visitor(), make, Rank.AFTERWARDS)], PREPARING)
    return made


def _offer(made: Bundle, target: Target) -> None:
    parity, zipped = made.parity, made.zip
    cells = st.grid(3, min_column_width=150)
    with cells.cell():
        tiles.figure("To download", _megabytes(len(zipped)), f"network {_megabytes(made.network_bytes)}")
    with cells.cell():
        bound, what = f"allowed {target.bounds.prob:g}", "Of a probability, from PyTorch's"
        tiles.figure("Largest difference", f"{parity.largest:.1e}", bound, what=what)
    with cells.cell():
        moved, pytorch = minus(number(parity.auroc_difference, 4, sign=True)), number(parity.macro_auroc_pytorch, 4)
        tiles.figure("Change of AUROC", moved, f"PyTorch {pytorch}", what=mean_of(parity.n_labels).capitalize())
    st.download_button(
        "Download",
        partial(bytes, zipped),
        f"{made.name}.zip",
        "application/zip",
        key="export_download",
        on_click="ignore",
        icon=":material/download:",
        type="primary",
    )
    layout.notice(f"Held against PyTorch on {parity.films}. Nothing in the ZIP names this machine or a patient.")
    with st.expander("Every finding"):
        layout.table(_by_label(made), height="content", key="export_parity")
    with st.expander("Model card"):
        st.code(made.files["MODEL_CARD.md"].decode(), language="markdown", wrap_lines=True)


def _by_label(made: Bundle) -> pd.DataFrame:
    rows = [
        {
            "Finding": display_name(one.label),
            "Largest difference": f"{one.largest:.1e}",
            "Mean difference": f"{one.mean:.1e}",
            "AUROC": number(one.auroc, 4),
            "AUROC in PyTorch": number(one.auroc_pytorch, 4),
        }
        for one in made.parity.labels
    ]
    return pd.DataFrame(rows)


def _megabytes(n: int) -> str:
    return f"{n / 1e6:.1f} MB"
