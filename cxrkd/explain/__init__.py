"""Why a model says what it says: maps of evidence, LIME, their agreement, and how they are drawn."""

from cxrkd.explain.agreement import Agreement, LimeAgreement, agreement, lime_agreement
from cxrkd.explain.baselines import Baselines, baselines, centre_prior, random_twin
from cxrkd.explain.cam import CAM_METHODS, CAM_NAMES, CAM_NOTES, CamResult, grad_cam, grad_cams
from cxrkd.explain.lesion import LesionHit, lesion_hit
from cxrkd.explain.lime import SPACES, LimeResult, lime
from cxrkd.explain.overlay import (
    COLORMAPS,
    POSITIVE_COLORMAPS,
    SIGNED_COLORMAPS,
    colour_table,
    draw_contour,
    overlay,
    shared_scale,
    upsample,
)
from cxrkd.explain.segments import FILLS, superpixels
from cxrkd.explain.similarity import Similarity, similarity

__all__ = [
    "CAM_METHODS",
    "CAM_NAMES",
    "CAM_NOTES",
    "COLORMAPS",
    "FILLS",
    "POSITIVE_COLORMAPS",
    "SIGNED_COLORMAPS",
    "SPACES",
    "Agreement",
    "Baselines",
    "CamResult",
    "LesionHit",
    "LimeAgreement",
    "LimeResult",
    "Similarity",
    "agreement",
    "baselines",
    "centre_prior",
    "colour_table",
    "draw_contour",
    "grad_cam",
    "grad_cams",
    "lesion_hit",
    "lime",
    "lime_agreement",
    "overlay",
    "random_twin",
    "shared_scale",
    "similarity",
    "superpixels",
    "upsample",
]
