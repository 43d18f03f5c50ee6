"""Label-wise embeddings: what a network has seen of each finding lies as it lies in the teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.hints import hints
from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class LedTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["led"] = Field("led", title="Objective")
    instance_weight: float = Field(
        10.0,
        ge=0,
        le=1000,
        title="Weight of findings of one film",
        description="beside films of one finding, within the term",
        json_schema_extra=hints(step=1.0),
    )


class LedConfig(LedTerm, LookingConfig):
    """And from the labels."""


def label_embeddings(maps: Tensor, features: Tensor) -> Tensor:
    """A network's features where it sees evidence of each label, float32 (B, K, C).

        e_k = sum over cells of w_k F / sum over cells of w_k,      w_k = sigmoid(h w M_k)

    Yang et al. take them from a transformer's label queries. h w M_k is the class-activation map on the scale of the
    logit, to which its cells average; see `outside_lesion`.

    Args:
        maps: Grad-CAM maps, raw and signed, float (B, K, h, w).
        features: on the same grid, float (B, C, h, w).

    >>> import torch
    >>> label_embeddings(torch.tensor([[[[0.0, -50.0]]]]), torch.tensor([[[[3.0, 8.0]]]]))
    tensor([[[3.]]])
    """
    import torch
    from torch.nn.functional import logsigmoid

    weights = (logsigmoid(maps.float().flatten(2) * maps[0, 0].numel())).softmax(2)  # no sum of zeros to divide by
    return torch.einsum("bkn,bcn->bkc", weights, features.float().flatten(2))


def build(term: LedTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], dict[str, Tensor]]:
    """Class-aware and instance-aware distances, with their weights within the term.

    The embeddings that count are those of findings that are there and that the teacher answers: of one finding among
    the films ("class"), and of one film among its findings ("instance"). Each group is a mean over its pairs, each part
    one over groups; Yang et al. add them up, and weigh one to ten.
    """

    def loss(student: Views, teacher: Views, targets: Tensor) -> dict[str, Tensor]:
        from cxrkd.distill.distances import distances_apart

        assert student.maps is not None  # all were asked for
        assert teacher.maps is not None
        present = (targets > 0.5) & teacher.logits.isfinite()
        points_s = label_embeddings(student.maps, student.features)
        points_t = label_embeddings(teacher.maps, teacher.features)
        return {
            "class": distances_apart(points_s.transpose(0, 1), points_t.transpose(0, 1), present.T),
            "instance": term.instance_weight * distances_apart(points_s, points_t, present),
        }

    return loss


OBJECTIVES.register(
    Objective(
        name="led",
        title="Label-wise embeddings",
        sentence="Cross-entropy on the labels plus how differently embeddings of present findings lie to one another, "
        "among films of one finding and among findings of one film.",
        source="Yang et al., ICCV 2023, arXiv 2308.06453",
        needs=("maps", "stages"),
        term=LedTerm,
        config=LedConfig,
        build=build,
    )
)
