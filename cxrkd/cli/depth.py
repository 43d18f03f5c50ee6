"""What networks make of a film at each depth: `explain --depth`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import table
from cxrkd.text import number

if TYPE_CHECKING:
    from cxrkd.config import Member
    from cxrkd.images.film import Film
    from cxrkd.models.classifier import Classifier
    from cxrkd.runs import Run

HELP = "also whether features of the students lie where the teacher's do, from the image to the last stage"


def add_depth(verb: argparse.ArgumentParser) -> None:
    """The option."""
    verb.add_argument("--depth", action="store_true", help=HELP)


def depth_figures(run: Run, models: Mapping[Member, Classifier], image: Film) -> dict[str, Any]:
    """By student, agreement with the teacher at each depth; empty without a teacher."""
    from cxrkd.explain.explainer import Network
    from cxrkd.explain.feature_maps import feature_maps
    from cxrkd.runs.sample_films import other_films

    networks = {str(member): Network(model) for member, model in models.items()}
    features = feature_maps(networks, image.pixels, other_films(run, image))
    return {name: [one.to_dict() for one in levels] for name, levels in features.agreements.items()}


def depth_lines(figures: Mapping[str, Any]) -> list[str]:
    """The same for people: a row a depth, its chance lines beside it."""
    lines = []
    for name, levels in figures.items():
        names = list(levels[0]["lines"])
        rows = []
        for one in levels:
            chance = [one["lines"][line]["high"] for line in names]
            own = [number(value, 2, sign=True) for value in (one["spearman"], *chance, one["ceiling"])]
            rows.append([str(one["depth"]), " x ".join(map(str, one["grid"])), *own, one["verdict"]])
        head = ["depth", "grid", "teacher", *(line.replace("_", " ") for line in names), "ceiling", ""]
        lines += ["", f"  {name}: mean of the features over channels", *(f"  {line}" for line in table(head, rows))]
    return lines
