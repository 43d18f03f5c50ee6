"""`explain --faithful`: whether maps are true, beside chance."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxrkd.cli.options import engine_for
from cxrkd.cli.output import Ticker, table
from cxrkd.text import number

if TYPE_CHECKING:
    from cxrkd.answers.explanation import Explanation
    from cxrkd.config import Member
    from cxrkd.images.film import Film
    from cxrkd.models.classifier import Classifier

HELP = (
    "put the maps to the proof: deletion and insertion, ROAD, change under noise, and what is left of them without the "
    "network's weights; some 150 films for each network and label"
)
TITLES = {"deletion": "deletion, low", "insertion": "insertion, high", "gain": "insertion - deletion", "road": "ROAD"}
"""Of figures, with what is good."""
_VERDICTS = {True: "yes", False: "no", None: "not known"}


def add_faithful(verb: argparse.ArgumentParser) -> None:
    """The option."""
    verb.add_argument("--faithful", action="store_true", help=HELP)


def faithful_figures(
    args: argparse.Namespace,
    models: Mapping[Member, Classifier],
    image: Film,
    explanation: Explanation,
    labels: list[str],
) -> dict[str, dict[str, dict[str, Any]]]:
    """By label, by member, for JSON; empty where nobody asked."""
    if not args.faithful:
        return {}
    from functools import partial

    from cxrkd.answers.engines import load_engines
    from cxrkd.answers.faithful import put_to_proof
    from cxrkd.explain.explainer import Network
    from cxrkd.explain.steps import in_turn

    ticker, engines = Ticker(), load_engines(models, engine_for(args.engine, len(labels) * 100))
    networks = {member: Network(model, engines[member].predict) for member, model in models.items()}
    figures = {}
    for label in labels:

        def heard(done: int, n: int, label: str = label) -> None:
            ticker.tell(f"{label}, proof, step {done} of {n}")

        proofs = put_to_proof(explanation, networks, image.pixels, label, steps=partial(in_turn, progress=heard))
        figures[label] = {str(member): proof.to_dict() for member, proof in proofs.items()}
    ticker.clear()
    return figures


def faithful_lines(members: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Tables of a label; none where nobody asked."""
    proofs = {member: row["faithfulness"] for member, row in members.items() if "faithfulness" in row}
    if not proofs:
        return []
    names = list(next(iter(proofs.values()))["deletion"]["lines"])
    rows = [
        [
            member,
            title,
            number(proof[figure]["value"], 2, sign=True),
            *(number(proof[figure]["lines"][name]["high"], 2, sign=True) for name in names),
            proof[figure]["verdict"],
        ]
        for member, proof in proofs.items()
        for figure, title in TITLES.items()
    ]
    head = ["is it true (logit)", "figure", "map", *(name.replace("_", " ") for name in names), "verdict"]
    return ["", *table(head, rows), *_steadiness(proofs)]


def _steadiness(proofs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    known = {member: proof for member, proof in proofs.items() if "cascade" in proof}
    if not known:
        return []
    from cxrkd.explain.cascade import DEPTHS, at_depths

    rows = []
    for member, proof in known.items():
        left = at_depths(proof["cascade"]["shares"], proof["cascade"]["spearman"])
        each = [number(left[depth], 2, sign=True) if depth in left else "" for depth in DEPTHS]
        changes = [number(proof[name], 2) for name in ("max_sensitivity", "change_to_other_films")]
        other = number(proof["cascade"]["other_film"], 2, sign=True)
        rows.append([member, *changes, *each, other, _VERDICTS[proof["hangs_on_weights"]]])
    head = ["under noise and without weights", "max-sensitivity", "to other films", *DEPTHS, "other films"]
    return ["", *table([*head, "hangs on weights"], rows)]
