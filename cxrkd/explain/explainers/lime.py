"""LIME."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Fit, Maps, Network
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.steps import Step, Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.agreement import Judged
    from cxrkd.explain.lime import LimeResult
    from cxrkd.explain.yardsticks import Baselines

LIME = "lime"
BATCH = 8
"""Altered films that are shown to a network in one step; CPU engines take a few at a time in any case."""


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: LimeSettings, steps: Steps
) -> list[LimeResult]:
    """The same superpixels and the same hidden ones for all networks, film by film."""
    from cxrkd.explain.lime import lime

    predicts = {name: network.predict for name, network in networks.items()}
    keys = tuple(network.key for network in networks.values())
    return [
        lime(
            predicts,
            film,
            **settings.model_dump(),
            batch_size=BATCH,
            steps=partial(_keyed, (settings, keys, i), steps),
        )
        for i, film in enumerate(films)
    ]


def _keyed(key: Hashable, steps: Steps, own: Sequence[Step]) -> list[Any]:
    """LIME knows networks by name; the same name may stand for other weights tomorrow."""
    return steps([Step((LIME, key, step.key), step.call) for step in own])


def judge(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of the two weight vectors; random rankings stand in for random students, halves for noise."""
    from cxrkd.explain.lime import LimeResult
    from cxrkd.explain.lime_agreement import lime_agreement

    assert isinstance(maps, LimeResult)
    return lime_agreement(maps, teacher, student, k, lines.reference)


EXPLAINERS.register(
    Explainer(
        name=LIME,
        title="LIME",
        sentence="Which superpixels raise the label's logit when they are seen: 300 altered films, the same for every "
        "model.",
        source="Ribeiro et al., KDD 2016, arXiv 1602.04938",
        needs=(ANSWERS,),
        config=LimeSettings,
        explain=explain,
        judge=judge,
        repeats=False,
        reference="gradcam",  # LIME of many films would take hours
        unit="change of the logit",
        lines="Grey is not above chance. It reaches to the highest of four lines: random rankings, the student's "
        "Grad-CAM on other films and its mean, a bump in the middle. Thick tick: two equal models. Each model's "
        "weights come from masks that the other did not see.",
        fit=Fit("r2", "fit R2", "Local R2, how much of the model's answer LIME's line explains"),
        n_images=lambda settings: int(settings.n_samples),
    )
)
