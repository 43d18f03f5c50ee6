"""A network asked about other labels than those that it was taught."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cxrkd.errors import ConfigError
from cxrkd.labels import label_key
from cxrkd.models.answers import heads
from cxrkd.models.classifier import Classifier
from cxrkd.models.ensemble import Ensemble
from cxrkd.models.zoo import build


def relabelled(source: Classifier, labels: Sequence[str]) -> Classifier:
    """A copy of a network with other labels: its answers go by name (`label_key`), and the others have none (NaN).

    Args:
        source: not changed.
        labels: K names.

    Raises:
        ConfigError: it answers none of them.
    """
    theirs = [label_key(label) for label in source.labels]
    rows = [theirs.index(key) if (key := label_key(label)) in theirs else None for label in labels]
    if not any(row is not None for row in rows):
        raise ConfigError(
            f"the teacher answers {', '.join(source.labels)}, and none of the labels here ({', '.join(labels)}). "
            "Name the columns as it does, or train a new teacher."
        )
    model = build(source.arch, labels, source.input_size, shrinks_to=source.shrinks_to)
    state = dict(source.state_dict())
    for name, _ in heads(source):
        state[f"{name}.weight"] = _picked(state[f"{name}.weight"], rows, 0.0)
        state[f"{name}.bias"] = _picked(state[f"{name}.bias"], rows, torch.nan)
    if isinstance(source.backbone, Ensemble) and source.backbone.shares is not None:
        n_parts = len(source.backbone.parts)
        shares = source.backbone.shares.view(n_parts, -1).T
        state["backbone.shares"] = _picked(shares, rows, 1 / n_parts).T.flatten()
    model.load_state_dict(state)
    return model.train(source.training)


def _picked(tensor: Tensor, rows: Sequence[int | None], missing: float) -> Tensor:
    """Some rows of a tensor (L, ...), in another order; a constant where there is none."""
    return torch.stack([torch.full_like(tensor[0], missing) if row is None else tensor[row] for row in rows])
