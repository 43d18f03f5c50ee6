"""Why a model says what it says: maps of evidence, LIME, their agreement, and how they are drawn."""

from cxrkd.explain.agreement import Agreement, Judged, agreement
from cxrkd.explain.baselines import Baselines, baselines, centre_prior, random_twin
from cxrkd.explain.body import body_mask, evidence_outside
from cxrkd.explain.cam import CAM_METHODS, CAM_NAMES, CAM_NOTES, CamResult, grad_cam, grad_cams, grad_cams_by_method
from cxrkd.explain.chance import ChanceLine, highest
from cxrkd.explain.lesion import LesionHit, lesion_hit
from cxrkd.explain.lime import SPACES, LimeResult, lime
from cxrkd.explain.lime_agreement import LimeAgreement, lime_agreement
from cxrkd.explain.overlay import (
    COLORMAPS,
    POSITIVE_COLORMAPS,
    SCALES,
    SIGNED_COLORMAPS,
    Scale,
    colour_scales,
    colour_table,
    draw_contour,
    overlay,
    shared_scale,
    upsample,
)
from cxrkd.explain.reference import MIN_FILMS, Reference, evenly, references
from cxrkd.explain.segments import FILLS, superpixels
from cxrkd.explain.similarity import Similarity, similarity

__all__ = [
    "CAM_METHODS",
    "CAM_NAMES",
    "CAM_NOTES",
    "COLORMAPS",
    "FILLS",
    "MIN_FILMS",
    "POSITIVE_COLORMAPS",
    "SCALES",
    "SIGNED_COLORMAPS",
    "SPACES",
    "Agreement",
    "Baselines",
    "CamResult",
    "ChanceLine",
    "Judged",
    "LesionHit",
    "LimeAgreement",
    "LimeResult",
    "Reference",
    "Scale",
    "Similarity",
    "agreement",
    "baselines",
    "body_mask",
    "centre_prior",
    "colour_scales",
    "colour_table",
    "draw_contour",
    "evenly",
    "evidence_outside",
    "grad_cam",
    "grad_cams",
    "grad_cams_by_method",
    "highest",
    "lesion_hit",
    "lime",
    "lime_agreement",
    "overlay",
    "random_twin",
    "references",
    "shared_scale",
    "similarity",
    "superpixels",
    "upsample",
]
