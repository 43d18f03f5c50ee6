"""A stage of an audit for each network: some of its maps are put to the proof."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.answers.engines import load_engines
from cxrkd.config import Member
from cxrkd.explain.cam_family import cams
from cxrkd.explain.cohort_faithful import cohort_cascade, cohort_faithful, passes
from cxrkd.explain.explainer import Network
from cxrkd.images.radiograph import unit
from cxrkd.jobs.reporter import Reporter
from cxrkd.progress import counting
from cxrkd.runs.auditing.faithful import proofs
from cxrkd.runs.auditing.job import AuditConfig, AuditJob
from cxrkd.runs.beside import write_arrays
from cxrkd.runs.films_asked import FilmsToAsk

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier

N_CASCADE = 8
"""Films of which maps are made again without the weights."""
SEED = 0
ENGINE_WORTH_S = 20.0
"""Seconds that PyTorch would take for which it is worth to look for an engine that is faster."""
_BATCH = 8
_PROOF_S = 40.0


def expected(members: Sequence[Member], config: AuditConfig) -> dict[str, float]:
    """Stages and a guess of their seconds."""
    return {f"proof-{member}": _PROOF_S for member in members} if config.proofs else {}


def put_to_proof(job: AuditJob, films: FilmsToAsk, report: Reporter) -> None:
    """Deletion, insertion and the cascade, network by network, going on where it was stopped."""
    rows, run = films_to_prove(films.targets, job.config.proofs), job.run()
    chosen = {n: np.flatnonzero(films.targets[n] == 1).tolist() for n in rows.tolist()}
    if not chosen:
        return
    for member in run.members():
        stage = f"proof-{member}"
        if report.is_done(stage) and job.proofs_path(member).exists():
            report.skip(stage)
            continue
        with report.stage(stage, f"Putting maps to the proof: {member}") as on_event:
            (maps, _), patients, model = job.maps(member), job.films()["patients"], run.load_model(member)

            def film(n: int) -> np.ndarray:
                return unit(np.asarray(films.cohort.images[films.rows[n]]))

            few = rows[:N_CASCADE]
            shown = np.stack([film(n) for n in few.tolist()])
            cascade = cohort_cascade(cams()[job.config.method], Network(model), shown, few, maps, patients)
            network = ready(member, model, passes(list(chosen.values())))
            faithful = cohort_faithful(network, film, maps, patients, chosen, counting(on_event))
            write_arrays(job.proofs_path(member), proofs(faithful, cascade))


def films_to_prove(targets: np.ndarray, most: int) -> np.ndarray:
    """Numbers int (n,) of at most so many films with a finding, drawn at random and the same each time."""
    present = np.flatnonzero((targets == 1).any(axis=1))
    return present[np.random.default_rng(SEED).permutation(len(present))[:most]]


def ready(member: Member, model: Classifier, n: int) -> Network:
    """A network on PyTorch, or on a faster engine where that would take long for n films."""
    plain = Network(model)
    blank = np.zeros((_BATCH, 1, model.input_size, model.input_size), np.float32)
    plain.predict(blank)
    start = time.perf_counter()
    plain.predict(blank)
    if (time.perf_counter() - start) * n / _BATCH < ENGINE_WORTH_S:
        return plain
    return Network(model, load_engines({member: model})[member].predict)
