"""Networks behind one contract, the list of those on offer, and their weights on disk."""

from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.ensemble import join, parts_of
from cxrkd.models.head import take_over
from cxrkd.models.weights import fingerprint, load_weights, save_weights
from cxrkd.models.zoo import (
    Entry,
    Role,
    build,
    check_weights,
    list_archs,
    list_weights,
    register,
    role_of,
    source,
    taught,
)

__all__ = [
    "Backbone",
    "Classifier",
    "Entry",
    "Role",
    "build",
    "check_weights",
    "fingerprint",
    "join",
    "list_archs",
    "list_weights",
    "load_weights",
    "parts_of",
    "register",
    "role_of",
    "save_weights",
    "source",
    "take_over",
    "taught",
]
