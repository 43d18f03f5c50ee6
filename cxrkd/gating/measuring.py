"""What the gate does with pictures that it was not fitted on: share flagged by group, and how well its score ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cxrkd.gating import bundled, drawn
from cxrkd.gating.films import ChestFilm, detail, wrong_ways
from cxrkd.gating.variety import varied
from cxrkd.images.gate import BLANK, CHEST, COLOUR, Gate
from cxrkd.images.radiograph import radiograph

SEED = 2024
PHANTOM_SEED = 7202
PHANTOMS, PER_PHOTO, PER_SLICE, PER_DOCUMENT, PER_PROGRAM = 300, 30, 30, 10, 300
RESAMPLES = 300
ROTATED = "turned by 90, 180 or 270 degrees"


@dataclass(frozen=True, eq=False)
class Case:
    """A held-out picture: the group it is reported under, its kind, and its unit, which resampling keeps whole."""

    group: str
    kind: str
    unit: str
    pixels: np.ndarray
    colour: float = 0.0


@dataclass(frozen=True)
class Judged:
    """What became of a case."""

    group: str
    kind: str
    unit: str
    passed: bool
    answer: str
    score: float


@dataclass(frozen=True)
class Row:
    """One group.

    Attributes:
        group: what the pictures are. right: True where they ought to pass.
        n: pictures. units: patients, or scenes, or drawings behind them.
        flagged: share that was flagged: false alarms where they ought to pass, else detections.
        right_reason: share of all that was flagged as the very kind it is; None where they ought to pass.
        low, high: 95 % interval of `flagged`, bootstrap over units; the exact binomial one where all units are alike
            (Clopper and Pearson, Biometrika 1934).
    """

    group: str
    right: bool
    n: int
    units: int
    flagged: float
    low: float
    high: float
    right_reason: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def cases(real: Sequence[ChestFilm], phantoms: Sequence[ChestFilm]) -> Iterator[Case]:
    """Every held-out picture."""
    rng = np.random.default_rng(SEED)
    for name, films in (("real", real), ("phantom", phantoms)):
        for film in films:
            yield from _of_film(film, name, rng)
    yield from _of_packages(rng)
    for kind, draw in {**drawn.PROGRAMS, BLANK: drawn.faint}.items():
        for k in range(PER_PROGRAM):
            yield Case(f"{kind}, drawn", kind, f"{kind} {k}", draw(rng))


def _of_film(film: ChestFilm, name: str, rng: np.random.Generator) -> Iterator[Case]:
    def case(group: str, kind: str, pixels: np.ndarray) -> Case:
        return Case(f"{name} film, {group}", kind, film.patient, pixels)

    yield case("as it is", CHEST, film.pixels)
    yield case("mirrored", CHEST, film.pixels[:, ::-1])
    yield case("tilted, cropped, other tones", CHEST, varied(film.pixels, rng))
    for kind, pixels in wrong_ways(film.pixels).items():
        yield case("inverted" if kind == "inverted" else ROTATED, kind, pixels)
    yield case("a detail of it", "detail", detail(film.pixels, rng))
    if rng.random() < 0.3:
        yield case("small on a screen", "document", drawn.screen_with(film.pixels, rng))


def _of_packages(rng: np.random.Generator) -> Iterator[Case]:
    yield from _whole("chest film RG1, four transfer syntaxes", CHEST, bundled.CHEST)
    yield from _whole("lower leg RG3, four transfer syntaxes", "limb", bundled.LEG)
    for photo in map(_load, bundled.PHOTOS["held out"]):
        kind = "photo" if photo.colour == 0 else COLOUR
        yield Case("photograph, as it is", kind, photo.name, photo.pixels, photo.colour)
        for _ in range(PER_PHOTO):
            pixels = varied(photo.pixels, rng, keep=0.35, tilt_deg=20)
            yield Case("photograph, cropped and grey", "photo", photo.name, pixels)
    yield from _whole("CT, MR or segmentation slice, as it is", "slice", bundled.SLICES["held out"])
    yield from _cropped("CT, MR or segmentation slice, cropped", "slice", bundled.SLICES["held out"], PER_SLICE, rng)
    yield from _whole("document or chart, as it is", "document", bundled.DOCUMENTS)
    yield from _cropped("document or chart, cropped and grey", "document", bundled.DOCUMENTS, PER_DOCUMENT, rng)


def _load(source: tuple[str, str]) -> bundled.Bundled:
    return bundled.load(*source)


def _whole(group: str, kind: str, sources: Sequence[tuple[str, str]]) -> Iterator[Case]:
    for film in map(_load, sources):
        # One film in several transfer syntaxes (RG1_UNCI, RG1_J2KR) is one scene.
        unit = film.name[:3] if film.name.startswith("RG") else film.name
        yield Case(group, kind, unit, film.pixels, film.colour)


def _cropped(
    group: str, kind: str, sources: Sequence[tuple[str, str]], n: int, rng: np.random.Generator
) -> Iterator[Case]:
    for film in map(_load, sources):
        for _ in range(n):
            yield Case(group, kind, film.name, varied(film.pixels, rng, keep=0.6, tilt_deg=6))


def judge_all(gate: Gate, cases: Iterator[Case], tell: Callable[[str], None] = lambda _: None) -> list[Judged]:
    """Ask the gate about every case, by the way that uploads take."""
    judged = []
    for case in cases:
        verdict = gate.judge(radiograph(case.pixels, case.unit, (), case.colour))
        judged.append(Judged(case.group, case.kind, case.unit, verdict.passed, verdict.kind, verdict.score))
        tell(f"{len(judged):,} pictures judged")
    return judged


def rows(judged: Sequence[Judged]) -> list[Row]:
    """A row a group, in the order they came."""
    groups = dict.fromkeys(one.group for one in judged)
    return [_row([one for one in judged if one.group == group]) for group in groups]


def _row(group: Sequence[Judged]) -> Row:
    flagged = np.array([not one.passed for one in group], float)
    units = [one.unit for one in group]
    low, high = _interval(units, lambda at: float(flagged[at].mean()))
    if low == high:  # all alike: resampling shows no spread, but few units prove little
        missed = 1 - 0.025 ** (1 / len(set(units)))
        low, high = (1 - missed, 1.0) if low else (0.0, missed)
    right = group[0].kind == CHEST
    reason = None if right else float(np.mean([one.answer == one.kind for one in group]))
    return Row(group[0].group, right, len(group), len(set(units)), float(flagged.mean()), low, high, reason)


def ranking(judged: Sequence[Judged]) -> tuple[float, float, float]:
    """AUROC of the score, real test films as they are against all that ought to be flagged, with its 95 % interval.

    Phantoms, and films that we altered but that ought to pass, are left out. Resampling keeps patients, scenes and
    drawings whole.
    """
    from sklearn.metrics import roc_auc_score

    used = [one for one in judged if one.kind != CHEST or one.group == "real film, as it is"]
    truth = np.array([one.kind == CHEST for one in used])
    score = np.array([one.score for one in used])

    def auroc(at: np.ndarray) -> float:
        return float(roc_auc_score(truth[at], score[at])) if len(np.unique(truth[at])) == 2 else np.nan

    return auroc(np.arange(len(used))), *_interval([one.unit for one in used], auroc)


def _interval(units: Sequence[str], figure: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """2.5th and 97.5th percentile of a figure over resampled units, where it is defined."""
    _, unit = np.unique(units, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(unit))[:-1])
    rng = np.random.default_rng(SEED)
    drawn_units = (rng.integers(len(members), size=len(members)) for _ in range(RESAMPLES))
    figures = [figure(np.concatenate([members[k] for k in chosen])) for chosen in drawn_units]
    low, high = np.nanpercentile(figures, [2.5, 97.5])
    return float(low), float(high)
