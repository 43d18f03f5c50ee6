"""LIME."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Fit, Maps, Network, Rounds
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.steps import Step, Steps

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.agreement import Judged
    from cxrkd.explain.lime_result import LimeResult
    from cxrkd.explain.stability import Stability
    from cxrkd.explain.yardsticks import Baselines

LIME = "lime"


def explain(
    networks: Mapping[str, Network], films: np.ndarray, settings: LimeSettings, steps: Steps
) -> list[LimeResult]:
    """The same superpixels and the same hidden ones for all networks, film by film, until all labels are stable."""
    from cxrkd.explain.lime import lime

    asked = [(film, _keyed(networks, (settings, i), steps)) for i, film in enumerate(films)]
    return [lime(_predicts(networks), film, settings, steps=own) for film, own in asked]


def begin(networks: Mapping[str, Network], films: np.ndarray, settings: LimeSettings, steps: Steps) -> list[LimeResult]:
    """The same after a first round of masks."""
    from cxrkd.explain.lime import first_round

    asked = [(film, _keyed(networks, (settings, i), steps)) for i, film in enumerate(films)]
    return [first_round(_predicts(networks), film, settings, steps=own) for film, own in asked]


def more(
    networks: Mapping[str, Network], film: np.ndarray, known: LimeResult, labels: Sequence[int], steps: Steps
) -> LimeResult:
    """The same after one round of masks more for the networks that are not stable on these labels."""
    from cxrkd.explain.lime import next_round

    own = _keyed(networks, (known.sampling.settings, 0), steps)
    return next_round(known, _predicts(networks), film, labels=labels, steps=own)


def standing(known: LimeResult, labels: Sequence[int] | None) -> Stability:
    """Whether other masks would give the same ranking."""
    return known.standing(labels)


def _predicts(networks: Mapping[str, Network]) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {name: network.predict for name, network in networks.items()}


def _keyed(networks: Mapping[str, Network], key: Hashable, steps: Steps) -> Steps:
    """LIME knows networks by name; the same name may stand for other weights tomorrow."""

    def keyed(own: Sequence[Step]) -> list[Any]:
        return steps([replace(step, key=_key(step.key)) for step in own])

    def _key(own: Any) -> Hashable:
        batch, name = own
        return LIME, key, batch, networks[name].key

    return keyed


def judge(maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
    """Agreement of the two weight vectors; random rankings stand in for random students, halves for noise."""
    from cxrkd.explain.lime_agreement import lime_agreement
    from cxrkd.explain.lime_result import LimeResult

    assert isinstance(maps, LimeResult)
    return lime_agreement(maps, teacher, student, k, lines.reference)


EXPLAINERS.register(
    Explainer(
        name=LIME,
        title="LIME",
        sentence="Which superpixels raise the label's logit when they are seen: altered films, the same for every "
        "model, until others would give the same ranking.",
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
        rounds=Rounds(begin, more, standing),
    )
)
