"""Which findings a phantom has: drawn from the real ChestX-ray14 label sets, tempered.

The real table has Hernia on 0.2 % of images and Infiltration on 17.7 %. Tempering lifts the rare ones without
inventing co-occurrence: with p_l the real prevalence of a label, the target is t_l = FLOOR * (p_l / min p) ** TEMPER,
and the share of images without any finding is NO_FINDING. Among all distributions over the table's label sets with
these margins we take the one closest to the real one in relative entropy, w(L) ~ n(L) * exp(sum of theta_l over l in L)
for non-empty L, found by iterative proportional fitting (Deming and Stephan, Ann Math Stat 1940).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cxrkd.labels import CHESTXRAY14
from cxrkd.places import ASSETS

TABLE = ASSETS / "chestxray14_label_sets.csv"
FLOOR = 0.05
TEMPER = 0.18
NO_FINDING = 0.36
CHRONIC = ("Cardiomegaly", "Mass", "Nodule", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia")
STAYS = 0.5
_CHRONIC = np.array([label in CHRONIC for label in CHESTXRAY14])


@dataclass(frozen=True)
class LabelSets:
    """The distinct label sets of the table.

    Attributes:
        present: bool (M, 14).
        real: float (M,) share of the table's images.
        tempered: float (M,) the share phantoms use.
        ap: float (14,) share of the images with a label that were taken AP; `ap_all` of all images.
    """

    present: np.ndarray
    real: np.ndarray
    tempered: np.ndarray
    ap: np.ndarray
    ap_all: float


@lru_cache(maxsize=1)
def label_sets() -> LabelSets:
    """The table's label sets, in the order of their names, read once per process."""
    import pandas as pd

    table = pd.read_csv(TABLE, comment="#")
    present = np.array([[label in name.split("|") for label in CHESTXRAY14] for name in table["findings"]])
    count, ap = table["images"].to_numpy(float), table["ap"].to_numpy(float)
    real = count / count.sum()
    share = (ap @ present) / (count @ present)
    return LabelSets(present, real, temper(present, real), share, float(ap.sum() / count.sum()))


def targets(prevalence: np.ndarray) -> np.ndarray:
    """Tempered prevalence t_l (K,) of the module's formula."""
    return np.asarray(FLOOR * (prevalence / prevalence.min()) ** TEMPER)


def temper(present: np.ndarray, real: np.ndarray, rounds: int = 200) -> np.ndarray:
    """Shares (M,) closest to `real` in relative entropy with the tempered margins. `present` is bool (M, K)."""
    share = real.copy()
    columns = [*zip(present.T, targets(real @ present), strict=True), (~present.any(1), NO_FINDING)]
    for _ in range(rounds):
        for inside, target in columns:
            now = share[inside].sum()
            share = np.where(inside, share * (target / now), share * ((1 - target) / (1 - now)))
    return np.asarray(share / share.sum())


def first_visit(rng: np.random.Generator) -> np.ndarray:
    """Labels bool (14,) of a patient's first image."""
    sets = label_sets()
    return np.asarray(sets.present[_pick(rng, sets.tempered)])


def next_visit(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels (14,) of the following image: chronic findings stay, acute ones are redrawn given them half of the time.

    This is a Gibbs step of the tempered distribution, so every visit has the same prevalence as the first.
    """
    if rng.random() < STAYS:
        return labels
    sets = label_sets()
    same = (sets.present[:, _CHRONIC] == labels[_CHRONIC]).all(1)
    return np.asarray(sets.present[_pick(rng, np.where(same, sets.tempered, 0.0))])


def _pick(rng: np.random.Generator, weights: np.ndarray) -> int:
    cumulative = np.cumsum(weights)
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))


def ap_probability(labels: np.ndarray) -> float:
    """Chance of an AP film: half-way between the share of all films and the mean share of the labels present."""
    sets = label_sets()
    return sets.ap_all if not labels.any() else float(0.5 * sets.ap_all + 0.5 * sets.ap[labels].mean())
