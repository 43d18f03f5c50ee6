"""Similarity preserving: films that are alike to the teacher are alike to the student."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from cxrkd.config.objective import OBJECTIVES, LookingConfig, Objective, ObjectiveTerm

if TYPE_CHECKING:
    from torch import Tensor

    from cxrkd.models.views import Views


class SimilarityTerm(ObjectiveTerm):
    """What is taken from the teacher."""

    name: Literal["similarity"] = Field("similarity", title="Objective")


class SimilarityConfig(SimilarityTerm, LookingConfig):
    """And from the labels."""


def similarity_distance(features_s: Tensor, features_t: Tensor) -> Tensor:
    """How differently the films of a batch resemble one another; 0-dimensional float32, 0 to 2.

        mean over films b of || G_s[b] / |G_s[b]|  -  G_t[b] / |G_t[b]| ||^2,      G = A A^T,  A = F as (B, C h w)

    Tung & Mori (ICCV 2019, arXiv 1907.09682) divide by B once more, and weigh by 3000; a mean over films does not
    shrink as batches grow. Grids and channels may differ. A film that resembles none, for want of features, does not
    count; one whose features are no numbers to the teacher is no neighbour of others either.

    Args:
        features_s: student, float (B, C, h, w).
        features_t: teacher, float (B, D, H, W); gets no gradient.

    >>> import torch
    >>> one, other = torch.eye(2).view(2, 2, 1, 1), torch.ones(2, 1, 1, 1)
    >>> similarity_distance(one, one).item(), round(similarity_distance(one, other).item(), 4)
    (0.0, 0.5858)
    """
    import torch

    from cxrkd.distill.directions import directions_apart

    flat_s, flat_t = features_s.float().flatten(1), features_t.detach().float().flatten(1)
    known = flat_t.isfinite().all(1)
    flat_s, flat_t = (torch.where(known[:, None], flat, 0.0) for flat in (flat_s, flat_t))
    return 2 * directions_apart(flat_s @ flat_s.T, flat_t @ flat_t.T, known)


def build(term: SimilarityTerm, student: object, teacher: object) -> Callable[[Views, Views, Tensor], Tensor]:
    """The distance between the similarities of the batch."""
    return lambda student, teacher, targets: similarity_distance(student.features, teacher.features)


OBJECTIVES.register(
    Objective(
        name="similarity",
        title="Similarity of films",
        sentence="Cross-entropy on the labels plus the distance between how alike the films of a batch are to student "
        "and to teacher, by their last features.",
        source="Tung & Mori, ICCV 2019, arXiv 1907.09682",
        needs=("stages",),
        term=SimilarityTerm,
        config=SimilarityConfig,
        build=build,
    )
)
