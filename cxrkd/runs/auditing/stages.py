"""Doing an audit: every network explains every film, then the teacher under noise and a student that knows nothing.

The weights that are kept are asked, those of the first seed. Each network is a stage that leaves its maps behind, so
that an audit that was stopped goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.config import Member
from cxrkd.explain.baselines import NOISE, random_twin
from cxrkd.explain.body import body_mask, evidence_outside
from cxrkd.explain.cam_family import cams
from cxrkd.explain.cohort_lesions import cohort_lesions
from cxrkd.explain.explainer import Network
from cxrkd.explain.steps import in_turn
from cxrkd.images.radiograph import digest_of_tones, unit
from cxrkd.jobs.reporter import Reporter
from cxrkd.progress import Progress, counting
from cxrkd.runs.auditing.job import DIGESTS, FILMS, NOISY, RANDOM, AuditConfig, AuditJob, places
from cxrkd.runs.auditing.proving import expected, put_to_proof
from cxrkd.runs.beside import write_arrays
from cxrkd.runs.films_asked import FilmsToAsk, films_to_ask
from cxrkd.runs.run import Run

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

CHUNK = 32
"""Films explained between two reports of progress."""
SEED = 0
_GUESS_S = {"films": 1.0, "figures": 3.0}
_NETWORK_S = 10.0  # beside those; only the shares count until one was timed
Change = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class _Asked:
    """A network, and the films as it is shown them."""

    name: str
    title: str
    network: Callable[[], Classifier]
    change: Change = field(default_factory=lambda: _as_it_is)


def audit_run(job: AuditJob, report: Reporter) -> None:
    """Do all that an audit was asked, going on where it was stopped."""
    run = job.run()
    members = run.members()
    asked = _everyone(run)
    report.plan(
        _GUESS_S
        | dict.fromkeys((f"maps-{one.name}" for one in asked), _NETWORK_S)
        | {"places": 5.0}
        | expected(members, job.config)
    )
    with report.stage("films", "Preparing the films") as on_event:
        films = chosen(films_to_ask(run, job.config, unlabelled=True), job.config)
        films.cohort.prepare(counting(on_event))
        images = films.cohort.images
        bodies = [body_mask(unit(np.asarray(images[row]))) for row in films.rows.tolist()]
        _write_films(job, films, bodies)
    for one in asked:
        if report.is_done(f"maps-{one.name}") and job.maps_path(one.name).exists():
            report.skip(f"maps-{one.name}")
            continue
        with report.stage(f"maps-{one.name}", one.title) as on_event:
            maps, logits = explained(one.network(), films, job.config.method, one.change, counting(on_event))
            write_arrays(job.maps_path(one.name), {"maps": maps, "logits": logits})
    with report.stage("places", "Holding maps against lesions and the body") as on_event:
        counted, masks = counting(on_event), kept_masks(films)
        for done, member in enumerate(members, 1):
            maps, _ = job.maps(member)
            lesions = cohort_lesions(maps, films.cohort.patients[films.rows], masks)
            pairs = zip(maps, bodies, strict=True)
            outside = np.array([[evidence_outside(heat, body) for heat in heats] for heats, body in pairs])
            write_arrays(job.places_path(member), places(lesions, outside))
            counted(done, len(members))
    put_to_proof(job, films, report)
    with report.stage("figures", "Measuring"):
        job.keep_figures(job.measure().to_dict())


def _everyone(run: Run) -> list[_Asked]:
    """Members, the teacher under noise, and a student with freshly drawn weights."""
    members = run.members()
    student = next((member for member in members if member != "teacher"), None)
    asked = [_Asked(member, f"Explaining: {member}", partial(run.load_model, member)) for member in members]
    asked.append(_Asked(NOISY, "Explaining: teacher under light noise", partial(run.load_model, "teacher"), _noisy))
    if student is not None:
        asked.append(_Asked(RANDOM, "Explaining: a student with random weights", partial(_twin, run, student)))
    return asked


def _twin(run: Run, student: Member) -> Classifier:
    return random_twin(run.load_model(student), SEED)


def _as_it_is(film: np.ndarray, row: int) -> np.ndarray:
    return film


def _noisy(film: np.ndarray, row: int) -> np.ndarray:
    """What a reader would not call another film."""
    noise = np.random.default_rng((SEED, row)).standard_normal(film.shape, dtype=np.float32)
    return np.clip(film + np.float32(NOISE) * noise, 0, 1)


def chosen(films: FilmsToAsk, config: AuditConfig) -> FilmsToAsk:
    """All films, or as many as were asked for, drawn at random and the same each time."""
    n = len(films.rows)
    if config.films is None or config.films >= n:
        return films
    return films.some(np.sort(np.random.default_rng(SEED).permutation(n)[: config.films]))


def kept_masks(films: FilmsToAsk) -> Callable[[int], np.ndarray]:
    """`films.masks` for asking more than once: phantoms are drawn anew for it each time. Kept in bits, where marked."""
    kept: dict[int, dict[int, np.ndarray]] = {}

    def masks(n: int) -> np.ndarray:
        if n not in kept:
            own = films.masks(n)
            kept[n] = {k: np.packbits(own[k]) for k in np.flatnonzero(own.any(axis=(1, 2))).tolist()}
            return own
        side = films.cohort.size
        own = np.zeros((len(films.labels), side, side), bool)
        for k, bits in kept[n].items():
            own[k] = np.unpackbits(bits, count=side * side).reshape(side, side)
        return own

    return masks


def explained(
    network: Classifier, films: FilmsToAsk, method: str, change: Change, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Raw maps float32 (N, K, h, w) of a network, and its logits (N, K).

    Args:
        network: in eval mode.
        films: what it explains.
        method: one of `cam_family.cams`.
        change: film float32 (S, S) and its row -> the film as the network is shown it.
        progress: called with (films done, all).

    Raises:
        ConfigError: the method is undefined on this network.
        AnswerError: a map or a logit is no number.
    """
    named, maps, logits = {"network": Network(network)}, [], []
    explain, images = cams()[method].explain, films.cohort.images
    for start in range(0, len(films.rows), CHUNK):
        rows = films.rows[start : start + CHUNK].tolist()
        shown = np.stack([change(unit(np.asarray(images[row])), row) for row in rows])
        for one in explain(named, shown, None, in_turn):
            maps.append(np.stack([one.heat("network", k) for k in range(len(films.labels))]))
            logits.append(one.logits["network"])
        if progress is not None:
            progress(start + len(rows), len(films.rows))
    return np.stack(maps).astype(np.float32), np.stack(logits).astype(np.float32)


def _write_films(job: AuditJob, films: FilmsToAsk, bodies: list[np.ndarray]) -> None:
    names = {"ids": films.cohort.ids, "patients": films.cohort.patients}
    known = {name: column[films.rows].astype(str) for name, column in names.items()}
    air = np.array([1 - body.mean() for body in bodies], np.float32)
    digests = np.array([digest_of_tones(films.cohort.images[row]) for row in films.rows.tolist()])
    write_arrays(job.path / FILMS, known | {"targets": films.targets, "air": air, DIGESTS: digests})
