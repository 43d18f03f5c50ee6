"""Procedural frontal chest radiographs with known findings. Nothing in them comes from a patient."""

from cxrkd.data.phantom.render import Phantom, n_visits, render, severity, view_and_labels

PHANTOM_VERSION = 7
"""Part of every phantom cohort's fingerprint: raise it whenever a pixel, mask or label may change."""

__all__ = ["PHANTOM_VERSION", "Phantom", "n_visits", "render", "severity", "view_and_labels"]
