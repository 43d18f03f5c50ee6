"""Films of one visitor -> explanations, through the one queue of this server.

Maps come first and can be drawn; what their agreement is held against follows. What was computed is kept for the
session, piece by piece: whoever chooses another label meanwhile loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from cxrkd.answers.explanation import Explanation, with_baselines
from cxrkd.answers.refining import first_look, one_more
from cxrkd.config import Member
from cxrkd.dashboard import asking, engines, waiting
from cxrkd.dashboard.caching import loaded, visitors, yardsticks
from cxrkd.dashboard.caching.rules import stamp
from cxrkd.explain.explainer import ANSWERS, EXPLAINERS, Explainer, Network
from cxrkd.explain.feature_maps import FeatureMaps, feature_maps
from cxrkd.explain.steps import Step, Steps
from cxrkd.images.film import Film
from cxrkd.runs import Run
from cxrkd.runs.reference import FILE as REFERENCE
from cxrkd.runtime.compute import Rank, shared

MAPPING = "the maps are computed"
PROVING = "the map is put to the proof"
REFINING = "the maps are refined"
HOLDING = "chance lines and ceiling are computed"


def explanation(run: Run, film: Film, method: str) -> Explanation:
    """Maps of all members for all labels by one of EXPLAINERS, as good as they are by now.

    With what agreement is held against if that is known; where maps get better in rounds, at first those of one round.
    """
    kept, key = visitors.kept("explanations"), identity(run, film, method)
    known: Explanation | None = kept.get(key)
    if known is None:
        references = yardsticks.references(run, EXPLAINERS[method].reference)
        networks, steps = _networks(run, EXPLAINERS[method]), partial(_computed, film, MAPPING, Rank.EXPLANATION)
        known = first_look(networks, film.pixels, method, None, references, steps=steps)
        kept.put(key, known)
    return known


def with_chance_lines(run: Run, film: Film, known: Explanation) -> Explanation:
    """The same explanation with what agreement is held against."""
    if known.baselines is None:
        networks, steps = _networks(run, known.explainer), partial(_computed, film, HOLDING, Rank.AFTERWARDS)
        (known,) = with_baselines([known], networks, film.pixels[None], steps=steps, twin=yardsticks.twins())
        visitors.kept("explanations").put(identity(run, film, known.method), known)
    return known


def by_depth(run: Run, film: Film, others: np.ndarray | None) -> FeatureMaps:
    """Mean features of all members by depth, beside those of other films (n, S, S) where there are some."""
    networks = {str(m): Network(loaded.model(run, m), key=stamp(run.weights_path(m))) for m in run.members()}
    steps = partial(_computed, film, HOLDING, Rank.AFTERWARDS)
    return feature_maps(networks, film.pixels, others, steps=steps)


class Proving:
    """What putting one map to the proof needs.

    Attributes:
        answering: the member on the engine that answers now, by its name.
        itself: the member, for what changes its weights or differentiates it.
        steps: how passes are run: after everything that somebody else looks at already.
        twin: random networks of it.
    """

    def __init__(self, run: Run, film: Film, known: Explanation, member: Member) -> None:
        weights, engine = stamp(run.weights_path(member)), engines.now(run, member)
        self.itself = _network(run, member, known.explainer)
        answering = Network(self.itself.classifier, engine.predict, key=(weights, engine.name))
        self.answering: dict[Member, Network] = {member: answering}
        self.steps: Steps = partial(_computed, film, PROVING, Rank.AFTERWARDS)
        self.twin = yardsticks.twins()


def refine(run: Run, film: Film, known: Explanation, label: str, draw: waiting.Draw) -> None:
    """Keep, in place of the explanation, what it is after one round more for a label, behind others' first looks."""
    networks, key = _networks(run, known.explainer), identity(run, film, known.method)
    newest = visitors.kept("explanations").get(key) or known  # what its agreement is held against may be there by now
    steps = partial(_computed, film, REFINING, Rank.AFTERWARDS, draw=draw)
    visitors.kept("explanations").put(key, one_more(newest, networks, film.pixels, [label], steps=steps))


def identity(run: Run, film: Film, method: str) -> tuple[Any, ...]:
    """What an explanation is of: pixels, method, weights."""
    weights = (stamp(run.weights_path(member)) for member in run.members())
    return film.key, method, stamp(run.path / REFERENCE), *weights


def _networks(run: Run, explainer: Explainer) -> dict[Member, Network]:
    return {member: _network(run, member, explainer) for member in run.members()}


def _network(run: Run, member: Member, explainer: Explainer) -> Network:
    """A member as the explainer needs it: on the engine that answers now, where answers are all that it asks for."""
    network, weights = loaded.model(run, member), stamp(run.weights_path(member))
    if ANSWERS not in explainer.needs:
        return Network(network, key=weights)
    engine = engines.now(run, member)
    return Network(network, engine.predict, key=(weights, engine.name))


def _computed(film: Film, what: str, rank: Rank, steps: Sequence[Step], draw: waiting.Draw | None = None) -> list[Any]:
    """Results of steps about one film: those that are not kept go through the queue, each key once."""
    kept, visitor = visitors.kept("pieces"), waiting.visitor()
    pieces = {(film.key, step.key): kept.get((film.key, step.key)) for step in steps}
    missing = {(film.key, step.key): step.call for step in steps if pieces[film.key, step.key] is None}
    asked = [partial(shared().explain, visitor, _keeping(kept, key, call), rank) for key, call in missing.items()]
    pieces |= zip(missing, asking.computed(asked, what, draw), strict=True)
    return [pieces[film.key, step.key] for step in steps]


def _keeping(kept: visitors.Kept, key: tuple[Any, ...], call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, whose result stays although nobody may wait for it any more."""

    def compute() -> Any:
        result = call()
        kept.put(key, result)
        return result

    return compute
