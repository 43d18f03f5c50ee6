"""What an explainer is: films -> raw signed maps of all labels, and how two networks' maps are held against each other.

Each one is a file in `cxrkd.explain.explainers`, and then stands on the page, on the command line and in the help:

    def explain(networks, films, settings, steps):
        ...
        return [GridMaps(logits, maps) for each film]

    EXPLAINERS.register(Explainer(name="mine", title="Mine", sentence="...", needs=(GRADIENTS,), explain=explain))

Unless it says otherwise its maps are compared cell by cell (`cxrkd.explain.agreement`), and its chance lines and
ceiling come from itself: it explains random students and the teacher under noise (`cxrkd.explain.baselines`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cxrkd.explain.steps import Steps
from cxrkd.registry import Entry, Registry

if TYPE_CHECKING:
    import numpy as np

    from cxrkd.explain.chance import Judged
    from cxrkd.explain.stability import Stability
    from cxrkd.explain.yardsticks import Baselines
    from cxrkd.models.classifier import Classifier

GRADIENTS, FEATURES, ANSWERS = "gradients", "features", "answers"
"""What an explainer can need of a network: to differentiate it, to see its features, or its answers, from whatever
engine is quick."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is explained.

    Attributes:
        classifier: in eval mode; shared ones are fine, nothing on them changes.
        answers: float32 (B, 1, H, W) -> logits (B, K), such as an engine's `predict`; None asks the classifier itself.
        key: of these weights on this engine; what was computed for one key is not computed for it again.
    """

    classifier: Classifier
    answers: Callable[[np.ndarray], np.ndarray] | None = None
    key: Hashable = field(default_factory=object)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits (B, K) of images float32 (B, 1, H, W) in [0, 1]."""
        return self.answers(x) if self.answers else _eager(self.classifier, x)


def _eager(classifier: Classifier, x: np.ndarray) -> np.ndarray:
    import torch

    from cxrkd.models.answers import numbers

    with torch.inference_mode():
        return numbers(classifier, classifier(torch.from_numpy(x)).numpy())


class Maps(Protocol):
    """What an explainer makes of one film, for several networks and all labels."""

    @property
    def logits(self) -> Mapping[str, np.ndarray]:
        """By network, float32 (K,)."""

    def heat(self, name: str, k: int) -> np.ndarray:
        """Raw signed map (h, w) of a network and label, on the explainer's own grid."""

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """What is known of a network and label, for JSON: the raw numbers of the map, and how good it is."""

    def settings(self) -> dict[str, Any]:
        """What it was made with, for JSON."""


@dataclass(frozen=True)
class GridMaps:
    """Maps on a grid of cells.

    Attributes:
        logits: by network, float32 (K,).
        maps: by network, float32 (K, h, w), raw and signed; grids may differ.
        key: what JSON calls a map.
    """

    logits: Mapping[str, np.ndarray]
    maps: Mapping[str, np.ndarray]
    key: str = "map"

    def heat(self, name: str, k: int) -> np.ndarray:
        """Raw signed map (h, w)."""
        return self.maps[name][k]

    def figures(self, name: str, k: int) -> dict[str, Any]:
        """The map alone."""
        return {self.key: self.heat(name, k)}

    def settings(self) -> dict[str, Any]:
        """Nothing can be set."""
        return {}


class Explain(Protocol):
    """How films are explained."""

    def __call__(
        self, networks: Mapping[str, Network], films: np.ndarray, settings: Any, steps: Steps
    ) -> Sequence[Maps]:
        """Maps of every network for each film.

        Args:
            networks: by name, of the same labels.
            films: float32 (B, S, S) in [0, 1].
            settings: of the explainer's config class; None where it has none.
            steps: how passes through the networks are run.
        """


@dataclass(frozen=True)
class Rounds:
    """How maps that hang on random draws get better while one looks; `Explainer.explain` goes to the end at once.

    Attributes:
        begin: films -> maps after a first round.
        more: networks, film (S, S), its maps so far, labels, how passes are run -> maps after one round more, of the
            networks whose maps of these labels are not stable.
        standing: maps, labels (all where None) -> how stable they are, and whether that is the end.
    """

    begin: Explain
    more: Callable[[Mapping[str, Network], np.ndarray, Any, Sequence[int], Steps], Maps]
    standing: Callable[[Any, Sequence[int] | None], Stability]


class Judge(Protocol):
    """How a student's maps of a film are held against the teacher's."""

    def __call__(self, maps: Maps, teacher: str, student: str, k: int, lines: Baselines) -> Judged:
        """Agreement on label k, beside its chance lines and ceiling."""


@dataclass(frozen=True)
class Fit:
    """A figure of how well an explanation describes the network: one of `Maps.figures`.

    Attributes:
        name: in the figures.
        title: over a column.
        sentence: what it is, without a full stop.
    """

    name: str
    title: str
    sentence: str


_CELL_LINES = (
    "Grey is not above chance. It reaches to the highest of four lines: random students, the same student on other "
    "films, its mean map of the label, a bump in the middle. Thick tick: the teacher under light noise."
)


@dataclass(frozen=True, kw_only=True)
class Explainer(Entry):
    """One way to explain. `needs` are of GRADIENTS, FEATURES, ANSWERS; `config` holds its settings, which become flags.

    Attributes:
        explain: films -> maps.
        judge: maps -> agreement of a student with the teacher; None compares cell by cell.
        repeats: whether `judge` needs maps of random students and of the teacher under noise.
        reference: the explainer whose maps of other films, as runs keep them, are chance lines: this one, or a kin;
            empty where there are none, and then no agreement is above chance.
        unit: of the maps, on the colour bar.
        lines: what the chance lines and the ceiling are, in words.
        fit: how well the maps describe the network, where that is known.
        n_images: settings -> images that each network is shown for one film, at most.
        rounds: how maps get better step by step; None where they are computed once.
    """

    explain: Explain
    judge: Judge | None = None
    repeats: bool = True
    reference: str = ""
    unit: str = "evidence, raw units"
    lines: str = _CELL_LINES
    fit: Fit | None = None
    n_images: Callable[[Any], int] = lambda settings: 1
    rounds: Rounds | None = None


EXPLAINERS: Registry[Explainer] = Registry(
    "explainer",
    "cxrkd.explain.explainers",
    first=(
        *("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "eigencam", "eigengradcam"),
        *("scorecam", "lime", "rise", "occlusion", "parts"),
    ),
)
