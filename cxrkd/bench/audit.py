"""What an audit spends its time on: maps of all labels by teacher and two students, against pytorch-grad-cam."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from cxrkd.bench.gradcam import KeepingRaw, Tapped, raw_maps
from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import interleave, stopwatch
from cxrkd.data.phantom import render
from cxrkd.explain.baselines import random_twin
from cxrkd.explain.cam_family import cams
from cxrkd.explain.explainer import Network
from cxrkd.explain.steps import in_turn
from cxrkd.models.classifier import Classifier

GOAL = Goal(10)
N_FILMS = 4


def audit(plan: Plan) -> Iterator[Section]:
    """Films a minute: each by the teacher, the student, and a student of other weights in place of the one alone."""
    models = {"teacher": plan.teacher, "alone": random_twin(plan.student, 0), "distilled": plan.student}
    size = plan.teacher.input_size
    films = np.stack([render(0, n, 0, size).pixels for n in range(N_FILMS)]).astype(np.float32) / 255
    networks = {name: Network(model) for name, model in models.items()}
    explain = cams()["gradcam"].explain
    contenders = {
        "ours": stopwatch(lambda: explain(networks, films, None, in_turn)),
        "theirs": stopwatch(_theirs(models, films)),
    }
    timed = interleave(contenders, plan.rounds["audit"])
    names = ", ".join(model.arch for model in (plan.teacher, plan.student, plan.student))
    yield compare(
        "Maps of three networks for an audit",
        (f"cxrkd, {N_FILMS} films, {len(plan.teacher.labels)} labels, {names}", timed["ours"]),
        ("pytorch-grad-cam, one call a film, label and network", timed["theirs"]),
        goal=GOAL,
        detail={
            "films_a_minute": {name: 60_000 * N_FILMS / timing.median_ms for name, timing in timed.items()},
        },
        remark="An audit makes two passes more, for chance and ceiling, and then measures.",
    )


def _theirs(models: Mapping[str, Classifier], films: np.ndarray) -> Callable[[], object]:
    """Every map by the library, which reads one label of one film at a time."""

    def maps() -> list[np.ndarray]:
        made = []
        for model in models.values():
            tapped = Tapped(model).eval()
            with KeepingRaw(tapped, [tapped.tap], reshape_transform=model.spatial) as cam:
                made += [raw_maps(cam, torch.from_numpy(film[None, None]), len(model.labels)) for film in films]
        return made

    return maps
