"""What a network says of a batch, as far as somebody asks: an objective, for its student and its teacher."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import Tensor

from cxrkd.models.classifier import Classifier
from cxrkd.models.label_maps import label_maps, marked_maps


@dataclass(frozen=True)
class Views:
    """What one network says of B images. What was not asked for is None.

    Attributes:
        logits: (B, K); NaN where a teacher has no answer.
        images: what it was shown, float32 (B, 1, H, W) in [0, 1]; None where that is not known any more.
        maps: evidence for each label, raw and signed, (B, K, h, w) on the grid of the features (Grad-CAM).
        embeddings: mean of the features over space, (B, C).
        stages: the maps (B, C, h, w) of the network's `stages`, from the image to the features.
        marked: evidence for single labels of single images, as many as were asked for, (M, h, w), as `maps`.
        temperatures: of a teacher, at which its logits are calibrated, float32 (K,); None where nobody fitted any.
    """

    logits: Tensor
    images: Tensor | None = None
    maps: Tensor | None = None
    embeddings: Tensor | None = None
    stages: tuple[Tensor, ...] | None = None
    marked: Tensor | None = None
    temperatures: Tensor | None = None

    @property
    def features(self) -> Tensor:
        """The deepest of `stages`, (B, C, h, w)."""
        assert self.stages  # they were asked for, and a network without any is refused
        return self.stages[-1]

    def detached(self) -> Views:
        """The same, float32 and cut from the graph."""
        stages = None if self.stages is None else tuple(stage.detach().float() for stage in self.stages)
        return Views(self.logits.detach().float(), _cut(self.images), _cut(self.maps), _cut(self.embeddings), stages)

    def of(self, order: Tensor) -> Views:
        """What is said of images in another order, int64 (B,): an image has what is said of the one named there."""
        stages = None if self.stages is None else tuple(stage[order] for stage in self.stages)
        images, maps, embeddings = (
            None if part is None else part[order] for part in (self.images, self.maps, self.embeddings)
        )
        return replace(self, logits=self.logits[order], images=images, maps=maps, embeddings=embeddings, stages=stages)


def views(
    model: Classifier,
    images: Tensor,
    needs: Collection[str] = (),
    *,
    create_graph: bool = False,
    marked: tuple[Tensor, Tensor] | None = None,
) -> Views:
    """Ask a network; logits cost one `forward`, and what nobody needs costs nothing.

    Args:
        model: in any mode.
        images: float32 (B, 1, H, W) in [0, 1].
        needs: of "maps", "embeddings" and "stages".
        create_graph: whether maps are learned from; see `label_maps`.
        marked: images and labels, each int64 (M,), whose maps are learned from, whatever else is needed.
    """
    if not needs and marked is None:
        return Views(model(images), images)
    stages, features = model.forward_stages(images) if "stages" in needs else (None, model.forward_features(images))
    maps = None
    if "maps" in needs:
        logits, maps = label_maps(model, features, create_graph=create_graph)
    else:
        logits = model.forward_head(features)
    embeddings = model.pooled(features) if "embeddings" in needs else None
    own = None if marked is None else marked_maps(model, features, *marked)
    return Views(logits, images, maps, embeddings, None if stages is None else tuple(stages), own)


def _cut(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().float()
