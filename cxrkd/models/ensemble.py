"""Several networks that answer as one. What an ensemble knows a student can learn, at the student's price.

Their features are laid side by side along the channels and each head takes its own, so the whole is a backbone like
any other: class-activation maps are those of the joint network, without a word about ensembles in their code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Backbone, Classifier, Stage
from cxrkd.models.network import JOIN


def join(parts: Sequence[Classifier], shares: Tensor | None = None) -> Classifier:
    """One classifier whose logits are a mean of those of `parts`; a single part is returned as it is.

    The mean of logits is the geometric mean of the odds. A label that any part was never taught (NaN) stays NaN.

    Args:
        parts: with the same labels and the same input size; not copied.
        shares: what each part counts for each label, float (M, K), columns that add up to 1; None is an even mean.

    Raises:
        ConfigError: labels or sizes differ, or a part's features have another layout than the others'.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if any((part.labels, part.input_size) != (first.labels, first.input_size) for part in parts):
        raise ConfigError("Networks that answer together need the same labels and the same image size.")
    return Classifier(JOIN.join(part.arch for part in parts), first.labels, first.input_size, Ensemble(parts, shares))


class Ensemble(Backbone):
    """The backbone of joined classifiers; each normalises the image its own way.

    Shares are saved with the weights, in one dimension, which files keep in float32; an even mean has none, as files of
    before.
    """

    mean, std = (0.0,), (1.0,)

    def __init__(self, parts: Sequence[Classifier], shares: Tensor | None = None) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.shares: Tensor | None
        self.register_buffer("shares", None if shares is None else shares.flatten())
        shapes = [_features_shape(part) for part in parts]
        if len({shape[1:] for shape in shapes}) > 1:
            grids = ", ".join(f"{p.arch} {s[1]} x {s[2]}" for p, s in zip(parts, shapes, strict=True))
            raise ConfigError(f"Networks that answer together need features on one grid, got {grids}.")
        self.channels = [shape[0] for shape in shapes]
        self.stages = _stages(parts)

    def forward_features(self, x: Tensor) -> Tensor:
        """Features of all parts (B, sum of C, h, w)."""
        return torch.cat([part.forward_features(x) for part in self._parts()], 1)

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Stages of all parts, and their features, along the channels."""
        maps, features = zip(*(part.forward_stages(x) for part in self._parts()), strict=True)
        return [torch.cat(level, 1) for level in zip(*maps, strict=True)], torch.cat(features, 1)

    def forward_head(self, features: Tensor) -> Tensor:
        """Mean of the parts' logits (B, K)."""
        each = zip(self._parts(), features.split(self.channels, 1), strict=True)
        logits = torch.stack([part.forward_head(own) for part, own in each])
        return logits.mean(0) if self.shares is None else (self.shares.view(len(logits), 1, -1) * logits).sum(0)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Have shares where the file has some: an ensemble is built without, as the even mean."""
        stored = state_dict.get(f"{prefix}shares")
        if self.shares is None and stored is not None:
            self.shares = torch.empty_like(stored, device=next(self.parameters()).device)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _parts(self) -> Iterator[Classifier]:
        return iter(self.parts)  # type: ignore[arg-type]  # a ModuleList forgets what it holds


def _stages(parts: Sequence[Classifier]) -> tuple[Stage, ...]:
    """The stages of all parts, level by level; none where a part declares none."""
    if not all(part.stages for part in parts):
        return ()
    return tuple(map(_side_by_side, zip(*(part.stages for part in parts), strict=True)))


def _side_by_side(level: tuple[Stage, ...]) -> Stage:
    """The stages of all parts at one level as one.

    Raises:
        ConfigError: their grids differ.
    """
    if len({stage.stride for stage in level}) > 1:
        raise ConfigError("Networks that answer together need stages on the same grids.")
    return Stage(JOIN.join(stage.name for stage in level), sum(stage.channels for stage in level), level[0].stride)


def _features_shape(part: Classifier) -> torch.Size:
    """(C, h, w) of a part's features, found by asking it once about an empty image."""
    training = part.training
    with torch.no_grad():
        features = part.eval().forward_features(torch.zeros(1, 1, part.input_size, part.input_size))
        flat = part.spatial(features) is not features
    part.train(training)
    if flat or features.ndim != 4:
        raise ConfigError(f"{part.arch} cannot answer together with others: its features are no maps (B, C, h, w).")
    return features.shape[1:]
