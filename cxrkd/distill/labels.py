"""How a student learns from labels, of which few are positive: one of four losses, the same for both students.

Ways that are compared on chest films by Barulina et al.: none, class weights, focal and asymmetric loss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from cxrkd.config.objective import ObjectiveConfig
from cxrkd.distill.asymmetric import asymmetric_bce
from cxrkd.distill.bce import bce
from cxrkd.distill.facts import Facts
from cxrkd.distill.focal import focal_bce

Task = Callable[[Tensor, Tensor], Tensor]
"""`(logits_s, targets)`, each (B, K) -> 0-dimensional float32."""


def label_loss(config: ObjectiveConfig, facts: Facts) -> Task:
    """The loss that an objective has on labels.

    Raises:
        ConfigError: it weighs labels by how common they are, and the facts do not say that.
    """
    if config.balance == "weighted":
        return partial(bce, positive_weights=facts.positive_weights())
    if config.balance == "focal":
        return partial(focal_bce, gamma=config.gamma)
    if config.balance == "asymmetric":
        positive, negative = config.gamma_positive, config.gamma_negative
        return partial(asymmetric_bce, gamma_positive=positive, gamma_negative=negative, clip=config.clip)
    return bce
