"""What networks make of a film at each depth: the mean of the features over channels, and whether two networks agree.

KD-FMV (Jiang et al., AAAI 2025, arXiv 2502.15959) shows the mean over channels of each stage of teacher and student,
side by side. No label is asked, so that these maps explain no answer: they show what a network has kept of the film so
far. Near the image that is the film itself, for a network of random weights too; agreement is therefore held, depth by
depth, against students of freshly drawn weights, the same student on other films and its mean over them, and a bump in
the middle. The comparison and its lines are not the paper's, which looks at the maps.

Maps come from `Classifier.forward_stages`, without hooks, so that any number of threads may ask one network. Features
of transformers are signed, and a mean over channels can be near nothing where they cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from cxrkd.errors import ConfigError
from cxrkd.explain import chance
from cxrkd.explain.agreement import against
from cxrkd.explain.altered import require_eval
from cxrkd.explain.baselines import design, noisy, random_twin
from cxrkd.explain.cam import as_batch
from cxrkd.explain.chance import ChanceLine
from cxrkd.explain.explainer import Network
from cxrkd.explain.similarity import known_mean, unit_maps
from cxrkd.explain.steps import Step, Steps, in_turn
from cxrkd.explain.yardsticks import centre_prior
from cxrkd.models.classifier import Classifier
from cxrkd.plain import plain

N_RANDOM = 8
"""Random students: each gives one map a depth, and few draws would make a low line."""
BATCH = 8
NO_OTHERS = "no other films are at hand"
TEACHER = "teacher"

Levels = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class DepthAgreement:
    """Whether a student's mean features lie where the teacher's do, at one depth.

    Attributes:
        depth: 1 is nearest to the image.
        grid: cells along the sides of the coarser of both maps, on which they are compared.
        spearman: rank correlation of the two maps; NaN where one is flat.
        lines: what it has to exceed.
        ceiling: the teacher's map with its own under light noise.
    """

    depth: int
    grid: tuple[int, int]
    spearman: float
    lines: tuple[ChanceLine, ...]
    ceiling: float

    @property
    def above_chance(self) -> bool | None:
        """Whether the agreement is above every line; None where that cannot be known."""
        return chance.above_all(self.spearman, self.lines)

    @property
    def verdict(self) -> str:
        """`above_chance` in words."""
        return chance.verdict(self.spearman, self.lines)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        own = {"depth": self.depth, "grid": self.grid, "spearman": self.spearman, "ceiling": self.ceiling}
        conclusion = {"above_chance": self.above_chance, "verdict": self.verdict}
        return {name: plain(value) for name, value in own.items()} | {"lines": chance.to_dict(self.lines)} | conclusion


@dataclass(frozen=True)
class FeatureMaps:
    """Mean features of a film.

    Attributes:
        maps: by network, float32 (h, w) for each depth, from the image on.
        agreements: by student, for each depth; none where there is no teacher.
    """

    maps: Mapping[str, Levels]
    agreements: Mapping[str, tuple[DepthAgreement, ...]]


def mean_maps(classifier: Classifier, films: np.ndarray) -> Levels:
    """Mean over channels of each of a network's stages, float32 (B, h, w), from the image on.

    Args:
        classifier: in eval mode; shared ones are fine, nothing on them changes.
        films: float32 (B, S, S) in [0, 1].

    Raises:
        ConfigError: the network declares no stages.
        ValueError: it is in training mode.
    """
    require_eval(classifier)
    if not classifier.stages:
        raise ConfigError(f"{classifier.arch} does not say where its stages are, so there are no maps by depth.")
    batches = []
    with torch.inference_mode():
        for start in range(0, len(films), BATCH):
            stages, _ = classifier.forward_stages(as_batch(classifier, films[start : start + BATCH]))
            batches.append([stage.float().mean(1).cpu().numpy() for stage in stages])
    return tuple(np.concatenate(level) for level in zip(*batches, strict=True))


def feature_maps(
    networks: Mapping[str, Network], film: np.ndarray, others: np.ndarray | None = None, *, steps: Steps = in_turn
) -> FeatureMaps:
    """Mean features of a film by every network, and agreement of each student with the teacher by depth.

    Args:
        networks: by name.
        film: float32 (S, S) in [0, 1].
        others: float32 (n, S, S), films of other patients; without them no agreement is above chance.
        steps: how the passes are run; a network is a step, so are its noisy copies, its random twins, other films.

    Raises:
        ConfigError: a network declares no stages, or networks declare different numbers of them.
    """
    students = [name for name in networks if name != TEACHER and TEACHER in networks]
    asked = [Step(("depth", n.key), partial(mean_maps, n.classifier, film[None])) for n in networks.values()]
    if students:
        teacher = networks[TEACHER]
        asked += [Step(("depth noise", teacher.key), partial(_under_noise, teacher.classifier, film))]
    for name in students:
        own = networks[name]
        asked += [Step(("depth random", design(own.classifier)), partial(_at_random, own.classifier, film))]
        if others is not None:
            asked += [Step(("depth others", own.key), partial(mean_maps, own.classifier, others))]
    results = iter(steps(asked))
    maps: dict[str, Levels] = {name: tuple(level[0] for level in next(results)) for name in networks}
    if len({len(levels) for levels in maps.values()}) > 1:
        raise ConfigError("Networks with different numbers of stages cannot be compared by depth.")
    noise: Levels = next(results) if students else ()
    agreements = {}
    for name in students:
        random: Levels = next(results)
        seen: Levels | None = next(results) if others is not None else None
        agreements[name] = tuple(
            _agreement(i + 1, maps[TEACHER][i], maps[name][i], noise[i], random[i], None if seen is None else seen[i])
            for i in range(len(noise))
        )
    return FeatureMaps(maps, agreements)


def _under_noise(classifier: Classifier, film: np.ndarray) -> Levels:
    return mean_maps(classifier, noisy(film))


def _at_random(classifier: Classifier, film: np.ndarray) -> Levels:
    """Maps (N_RANDOM, h, w) by depth of students with freshly drawn weights."""
    each = [mean_maps(random_twin(classifier, seed), film[None]) for seed in range(N_RANDOM)]
    return tuple(np.concatenate(level) for level in zip(*each, strict=True))


def _agreement(
    depth: int, map_t: np.ndarray, map_s: np.ndarray, noise: np.ndarray, random: np.ndarray, others: np.ndarray | None
) -> DepthAgreement:
    """At one depth, of maps (h, w) beside those of noisy, random and other ones (n, h, w)."""
    lines = [chance.line("random_student", against(map_t, random))]
    mean = None if others is None else unit_maps(others).mean(0, keepdims=True)
    for name, kept in (("other_film", others), ("film_mean", mean)):
        if kept is None:
            lines.append(ChanceLine(name, float("nan"), float("nan"), NO_OTHERS))
        else:
            lines.append(chance.line(name, against(map_t, kept)))
    lines.append(chance.line("centre", against(map_t, centre_prior(map_t.shape)[None])))
    grid = (min(map_t.shape[0], map_s.shape[0]), min(map_t.shape[1], map_s.shape[1]))
    spearman = float(against(map_t, map_s[None])[0])
    return DepthAgreement(depth, grid, spearman, tuple(lines), known_mean(against(map_t, noise)))
