"""An engine for each network that answers, and what engines are compared on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.config import Member
from cxrkd.errors import EngineError

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.protocol import Engine

AUTO = "auto"
QUICK = "quick"
"""The fastest engine that agrees where that is known here already, else PyTorch, which needs no preparation."""
_PROBE_FILMS = 8
_PROBE_SEED = 224


def load_engines(
    models: Mapping[Member, Classifier], engine: str = AUTO, threads: int | None = None
) -> dict[Member, Engine]:
    """An engine for each network: the named one, or with "auto" the fastest that agrees with PyTorch here.

    Args:
        models: by member.
        engine: a name, "auto", which may take a minute to find out, or QUICK.
        threads: of one call; PyTorch's number unless given.

    Raises:
        EngineError: the engine is unknown, not installed, or fails on a network.
    """
    from cxrkd.runtime.select import build_engine

    if engine == QUICK:
        names = {member: known_engine(model, threads) or "pytorch" for member, model in models.items()}
        return {member: build_engine(model, names[member], threads=threads) for member, model in models.items()}
    if engine != AUTO:
        return {member: build_engine(model, engine, threads=threads) for member, model in models.items()}
    return {member: _fastest(model, threads) for member, model in models.items()}


def known_engine(model: Classifier, threads: int | None = None) -> str | None:
    """The name of the engine that was found the fastest for a network here before; None where none was."""
    from cxrkd.runtime.choice import read_choice
    from cxrkd.runtime.protocol import default_threads

    kept = read_choice(model, threads or default_threads())
    return None if kept is None else kept.engine


def _fastest(model: Classifier, threads: int | None) -> Engine:
    """The fastest engine that agrees: as it is kept, else found out now, which takes long, and kept."""
    from cxrkd.runtime.choice import Choice, write_choice
    from cxrkd.runtime.protocol import default_threads
    from cxrkd.runtime.select import build_engine, fastest

    threads = threads or default_threads()
    if (known := known_engine(model, threads)) is not None:
        with suppress(EngineError):  # a package is gone, or its cache: found out anew
            return build_engine(model, known, threads=threads)
    engine, reports = fastest(model, probe(model.input_size), threads=threads)
    with suppress(OSError):  # a cache that cannot be written costs time, the next time
        write_choice(model, threads, Choice(engine.name, tuple(reports)))
    return engine


def probe(size: int) -> np.ndarray:
    """A few phantoms, float32 (B, 1, S, S) in [0, 1], to compare engines on: what networks here are asked about."""
    from cxrkd.data.phantom import render

    films = [render(_PROBE_SEED, patient, 0, size).pixels for patient in range(_PROBE_FILMS)]
    return np.stack(films)[:, None].astype(np.float32) / 255
