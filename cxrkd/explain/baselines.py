"""What an agreement of two models is held against: noisy teacher, random student, other films, a bump in the middle.

What a random student shows of a film hangs on the student's architecture alone, and the ceiling on the teacher alone:
steps carry keys that say so, and two students of one kind, or two runs of one teacher, share them.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cxrkd.explain.explainer import Explainer, Maps, Network
from cxrkd.explain.steps import Step, Steps, in_turn
from cxrkd.explain.yardsticks import Baselines, Reference

if TYPE_CHECKING:
    from torch import nn

    from cxrkd.models.classifier import Classifier

M = TypeVar("M", bound="nn.Module")
MakeTwin = Callable[["Classifier", int], "Classifier"]

N_NOISY, N_RANDOM = 4, 2
# Standard deviation on [0, 1]: five grey levels of 255, which a reader would not call another image.
NOISE = 0.02
NO_MAPS = np.empty((0, 0, 0, 0), np.float32)
_ONE = "network"


def random_twin(model: M, seed: int) -> M:
    """A copy with freshly drawn weights (He et al. 2015), norms at identity; the global random state is not touched."""
    import torch

    twin = copy.deepcopy(model)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in twin.named_parameters():
            if value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=draw) * (2 / value[0].numel()) ** 0.5)
            else:
                value.fill_(0.0 if name.endswith("bias") else 1.0)
        for name, buffer in twin.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.fill_(float(name.endswith("var")))
    return twin.eval()


def design(model: Classifier) -> Hashable:
    """What a random twin has of its model: all of the network but its weights."""
    return model.arch, tuple(model.labels), model.input_size, model.works_at


class Twins:
    """Random twins that are kept, since drawing one takes longer than explaining by it. Safe in any thread.

    Args:
        limit: networks to keep; what was not asked for longest goes first.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._lock = limit, Lock()
        self._twins: OrderedDict[Hashable, Classifier] = OrderedDict()

    def __call__(self, model: Classifier, seed: int) -> Classifier:
        """As `random_twin`; models of one design have the same twins."""
        with self._lock:
            key = (design(model), seed)
            twin = self._twins.pop(key) if key in self._twins else random_twin(model, seed)
            self._twins[key] = twin
            while len(self._twins) > self._limit:
                self._twins.popitem(last=False)
            return twin


def baselines(
    explainer: Explainer,
    networks: Mapping[str, Network],
    films: np.ndarray,
    settings: Any = None,
    references: Mapping[str, Reference] | None = None,
    *,
    teacher: str = "teacher",
    steps: Steps = in_turn,
    twin: MakeTwin = random_twin,
) -> list[dict[str, Baselines]]:
    """Maps that give chance lines and ceiling: N_NOISY passes of the teacher a film, N_RANDOM of each kind of student.

    Args:
        explainer: that of the maps which will be compared.
        networks: by name; of students only the architecture is used.
        films: float32 (B, S, S) in [0, 1].
        settings: of the explainer.
        references: by student, maps of other films where they are kept.
        teacher: its name; where it is not among the networks there is nothing to hold against.
        steps: how the passes are run.
        twin: makes random students.

    Returns:
        By film, by student.
    """
    students = [name for name in networks if name != teacher and teacher in networks]
    kept = references or {}
    if not explainer.repeats or not students:
        return [{name: Baselines(NO_MAPS, NO_MAPS, kept.get(name)) for name in students} for _ in films]
    again = _Again(explainer, settings)
    noise = [again.under_noise(networks[teacher], film, i) for i, film in enumerate(films)]
    random = [
        again.at_random(networks[name].classifier, film, i, seed, twin)
        for i, film in enumerate(films)
        for name in students
        for seed in range(N_RANDOM)
    ]
    results = iter(steps([*noise, *random]))
    under_noise = [next(results) for _ in films]
    pairs = product(range(len(films)), students)
    drawn = {pair: np.stack([next(results) for _ in range(N_RANDOM)]) for pair in pairs}
    return [
        {name: Baselines(own, drawn[i, name], kept.get(name)) for name in students} for i, own in enumerate(under_noise)
    ]


@dataclass(frozen=True)
class _Again:
    """An explainer that is asked again, for chance lines and ceiling."""

    explainer: Explainer
    settings: Any

    def under_noise(self, teacher: Network, film: np.ndarray, i: int) -> Step:
        """Maps (N_NOISY, K, h, w) of noisy copies of film i (S, S)."""
        key = ("noise", self.explainer.name, self.settings, teacher.key, i)
        return Step(key, lambda: self.maps(teacher, noisy(film)))

    def at_random(self, student: Classifier, film: np.ndarray, i: int, seed: int, twin: MakeTwin) -> Step:
        """Maps (K, h, w) of film i by a student of freshly drawn weights."""
        key = ("random", self.explainer.name, self.settings, design(student), seed, i)
        return Step(key, lambda: self.maps(Network(twin(student, seed)), film[None])[0])

    def maps(self, network: Network, films: np.ndarray) -> np.ndarray:
        """Maps (B, K, h, w) of one network for films (B, S, S)."""
        return maps_of(self.explainer, network, films, self.settings)


def noisy(film: np.ndarray, n: int = N_NOISY, seed: int = 0) -> np.ndarray:
    """Copies (n, S, S) of a film (S, S) under light noise; the same for every network."""
    import torch

    noise = torch.randn((n, *film.shape), generator=torch.Generator().manual_seed(seed)) * NOISE
    return (torch.from_numpy(np.ascontiguousarray(film, dtype=np.float32)) + noise).clamp(0, 1).numpy()


def maps_of(explainer: Explainer, network: Network, films: np.ndarray, settings: Any = None) -> np.ndarray:
    """Maps (B, K, h, w) of one network for films (B, S, S), in turn: a step of its own for whoever counts steps."""
    explained: Sequence[Maps] = explainer.explain({_ONE: network}, films, settings, in_turn)
    return np.stack([all_heats(maps, _ONE) for maps in explained])


def all_heats(maps: Maps, name: str) -> np.ndarray:
    """The maps (K, h, w) of a network."""
    return np.stack([maps.heat(name, k) for k in range(len(maps.logits[name]))])
