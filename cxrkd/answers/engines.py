"""An engine for each network that answers, and what engines are compared on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.config import Member

if TYPE_CHECKING:
    from cxrkd.models.classifier import Classifier
    from cxrkd.runtime.protocol import Engine

AUTO = "auto"
_PROBE_FILMS = 8
_PROBE_SEED = 224


def load_engines(models: Mapping[Member, Classifier], engine: str = AUTO) -> dict[Member, Engine]:
    """An engine for each network: the named one, or with "auto" the fastest that agrees with PyTorch here.

    Raises:
        EngineError: the engine is unknown, not installed, or fails on a network.
    """
    from cxrkd.runtime.select import build_engine, fastest

    if engine != AUTO:
        return {member: build_engine(model, engine) for member, model in models.items()}
    return {member: fastest(model, probe(model.input_size))[0] for member, model in models.items()}


def probe(size: int) -> np.ndarray:
    """A few phantoms, float32 (B, 1, S, S) in [0, 1], to compare engines on: what networks here are asked about."""
    from cxrkd.data.phantom import render

    films = [render(_PROBE_SEED, patient, 0, size).pixels for patient in range(_PROBE_FILMS)]
    return np.stack(films)[:, None].astype(np.float32) / 255
