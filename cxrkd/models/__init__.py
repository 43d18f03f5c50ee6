"""Networks behind one contract, the list of those on offer, and their weights on disk."""

from typing import TYPE_CHECKING

from cxrkd.lazy import lazily
from cxrkd.models.network import NETWORKS, Network, Role, parts_of
from cxrkd.models.zoo import (
    build,
    check_weights,
    list_archs,
    list_weights,
    role_of,
    source,
    taught,
)

if TYPE_CHECKING:
    from cxrkd.models.classifier import Backbone, Classifier
    from cxrkd.models.ensemble import join
    from cxrkd.models.head import take_over
    from cxrkd.models.weights import fingerprint, load_weights, save_weights
else:
    __getattr__ = lazily(
        __name__,
        classifier=("Backbone", "Classifier"),
        ensemble=("join",),
        head=("take_over",),
        weights=("fingerprint", "load_weights", "save_weights"),
    )

__all__ = [
    "NETWORKS",
    "Backbone",
    "Classifier",
    "Network",
    "Role",
    "build",
    "check_weights",
    "fingerprint",
    "join",
    "list_archs",
    "list_weights",
    "load_weights",
    "parts_of",
    "role_of",
    "save_weights",
    "source",
    "take_over",
    "taught",
]
