"""The radiograph gate: is this a frontal chest radiograph, upright and with its tones the right way round?

Two rules and a small multinomial model, in this order: almost blank, coloured, then the kind of picture. It judges
what a picture looks like as a whole. It does not judge whether a film is good, or whether it is a patient's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.special import softmax

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, relist, seal
from cxrkd.errors import GateError
from cxrkd.images.looks import BINS, N_EDGES, N_RANKS, RANK_SIDE, edges, ranks, shrink, symmetry, tones
from cxrkd.images.radiograph import Radiograph
from cxrkd.places import ASSETS

COEFFICIENTS = ASSETS / "gate.safetensors"
CHEST, BLANK, COLOUR = "chest", "blank", "colour"
LIKE = "It does not look like a frontal chest radiograph; of what the gate knows it is most like"
REASONS = {
    CHEST: "",
    BLANK: "It is almost blank: nearly all of it has one tone.",
    COLOUR: "It is a picture in colour; a radiograph is grey.",
    "inverted": "It looks like a chest film with inverted tones: bone is dark and air is bright.",
    "clockwise": "It looks like a chest film turned clockwise by 90 degrees.",
    "upside down": "It looks like a chest film that stands upside down.",
    "anticlockwise": "It looks like a chest film turned anticlockwise by 90 degrees.",
    "detail": f"{LIKE} a detail of a radiograph.",
    "limb": f"{LIKE} a radiograph of a limb.",
    "slice": f"{LIKE} a CT or MR slice.",
    "photo": f"{LIKE} a photograph.",
    "document": f"{LIKE} a screenshot, a document or a chart.",
    "pattern": f"{LIKE} noise or a pattern.",
}
KINDS = tuple(kind for kind in REASONS if kind not in (BLANK, COLOUR))
"""What the model tells apart, in the order of its columns."""
# A picture is blank when its tones, extremes apart, span less than this; the flattest of 2,022 real films spans 0.36.
BLANK_SPAN = 0.06
# A few arrows and stamps are common on films; a coloured tenth of the picture is not.
COLOURED_SHARE = 0.1
# Ranks enter the model on a grid of 16 x 16.
COARSE = 16
N_FEATURES = COARSE**2 + N_EDGES + BINS + 2 + 2
# More likely an upright chest film than everything else together.
THRESHOLD = 0.5
RESTORE = "Restore it from the repository, or fit it again: python -m cxrkd gate fit --help"


@dataclass(frozen=True)
class Verdict:
    """What the gate says about one image.

    Attributes:
        passed: it looks like a frontal chest radiograph.
        kind: a key of REASONS, "chest" when it passed.
        reason: one sentence, empty when it passed.
        score: probability of a chest film as the model sees it, 0 to 1; 0 for what is blank or coloured.
    """

    passed: bool
    kind: str
    reason: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Plane:
    """The subspace of tone ranks in which upright chest films lie: mean (1024,), basis (n, 1024), scale (n,)."""

    mean: np.ndarray
    basis: np.ndarray
    scale: np.ndarray

    def distances(self, rank: np.ndarray) -> np.ndarray:
        """How far from chest films an image lies, float32 (2,): outside the subspace, and within it."""
        centred = rank - self.mean
        inside = self.basis @ centred
        outside = max(float(centred @ centred - inside @ inside), 0.0)
        return np.array([np.sqrt(outside), np.sqrt(np.mean((inside / self.scale) ** 2))], np.float32)


@dataclass(frozen=True, eq=False)
class Gate:
    """The fitted model: weight float32 (F, K) and bias float32 (K,) of F features and K kinds."""

    plane: Plane
    weight: np.ndarray
    bias: np.ndarray

    def probs(self, small: np.ndarray) -> np.ndarray:
        """Probability of every kind, float64 (K,), of an image of 64 x 64 from `shrink`."""
        return np.asarray(softmax(features(small, self.plane).astype(np.float64) @ self.weight + self.bias))

    def judge(self, r: Radiograph) -> Verdict:
        """What the image is, with the reason when it is not a frontal chest radiograph."""
        return self.judge_small(shrink(r.pixels), r.colour)

    def judge_small(self, small: np.ndarray, colour: float) -> Verdict:
        """`judge` of what is kept of an image: float32 (64, 64) from `shrink`, and its share of coloured pixels."""
        if span(small) < BLANK_SPAN:
            return Verdict(False, BLANK, REASONS[BLANK], 0.0)
        if colour > COLOURED_SHARE:
            return Verdict(False, COLOUR, REASONS[COLOUR], 0.0)
        probs = self.probs(small)
        score = float(probs[0])
        kind = CHEST if score >= THRESHOLD else KINDS[1 + int(probs[1:].argmax())]
        return Verdict(kind == CHEST, kind, REASONS[kind], score)

    def save(self, path: Path) -> None:
        """Write the coefficients, float16 but for the bias."""
        half = {"weight": self.weight, "mean": self.plane.mean, "basis": self.plane.basis, "scale": self.plane.scale}
        tensors = {name: np.ascontiguousarray(array, np.float16) for name, array in half.items()}
        with replacing(path) as part:
            save_file(tensors | {"bias": self.bias.astype(np.float32)}, part, {"kinds": ",".join(KINDS)})
            seal(part)
        relist(path)


def judge(r: Radiograph) -> Verdict:
    """The verdict of the gate that ships.

    Raises:
        GateError: its coefficients are missing or damaged.
    """
    return load_gate().judge(r)


@lru_cache(maxsize=2)
def load_gate(path: Path | None = None) -> Gate:
    """Read coefficients, by default those that ship; each file once.

    Raises:
        GateError: the file is missing, damaged, or of a gate with other features or kinds.
    """
    path = COEFFICIENTS if path is None else path
    if not path.exists():
        raise GateError(f"The coefficients of the radiograph gate, {path}, are missing. {RESTORE}.")
    try:
        check(path)
        with safe_open(path, "np") as file:
            kinds = (file.metadata() or {}).get("kinds", "")
            tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    except (ChecksumError, SafetensorError, OSError) as error:
        raise GateError(f"The coefficients of the radiograph gate, {path}, are damaged. {RESTORE}.") from error
    _check(path, kinds, tensors)
    plane = Plane(tensors["mean"], tensors["basis"], tensors["scale"])
    return Gate(plane, tensors["weight"], tensors["bias"])


def _check(path: Path, kinds: str, tensors: dict[str, np.ndarray]) -> None:
    n = len(tensors.get("scale", ()))
    shapes = {"mean": (N_RANKS,), "basis": (n, N_RANKS), "scale": (n,), "bias": (len(KINDS),)}
    shapes["weight"] = (N_FEATURES, len(KINDS))
    stored = {name: array.shape for name, array in tensors.items()}
    if kinds != ",".join(KINDS) or stored != shapes or not all(np.isfinite(array).all() for array in tensors.values()):
        raise GateError(f"{path} does not hold the coefficients of this version's radiograph gate. {RESTORE}.")


def features(small: np.ndarray, plane: Plane) -> np.ndarray:
    """Everything the model looks at, float32 (F,), of an image of 64 x 64 from `shrink`."""
    rank = ranks(small)
    coarse = cv2.resize(rank.reshape(RANK_SIDE, RANK_SIDE), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return np.concatenate([coarse.ravel(), edges(small), tones(small), symmetry(rank), plane.distances(rank)])


def span(small: np.ndarray) -> float:
    """The range of tones without the outer 2 % at either end."""
    low, high = np.percentile(small, [2, 98])
    return float(high - low)
