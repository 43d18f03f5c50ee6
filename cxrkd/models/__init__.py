"""Networks behind one contract, the list of those on offer, and their weights on disk."""

from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.weights import fingerprint, load_weights, save_weights
from cxrkd.models.zoo import Entry, Role, build, list_archs, register

__all__ = [
    "Backbone",
    "Classifier",
    "Entry",
    "Role",
    "build",
    "fingerprint",
    "list_archs",
    "load_weights",
    "register",
    "save_weights",
]
