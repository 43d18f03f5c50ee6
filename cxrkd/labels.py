"""The fourteen findings of ChestX-ray14 and how they are written.

Names are those of `Data_Entry_2017*.csv` (Wang et al., CVPR 2017, arXiv 1705.02315); their order is ChestMNIST's.
Tables of other data sets are mapped **by name, never by position**, because every library orders them differently.
"""

from __future__ import annotations

CHESTXRAY14: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)

RADIOGRAPHIC_SIGN: dict[str, str] = {
    "Atelectasis": "volume loss: a plate or wedge of density, fissure and diaphragm pulled towards it",
    "Cardiomegaly": "cardiothoracic ratio above 0.5",
    "Effusion": "blunted costophrenic angle with a meniscus",
    "Infiltration": "ill-defined patchy opacity",
    "Mass": "rounded opacity over 3 cm",
    "Nodule": "rounded opacity under 3 cm",
    "Pneumonia": "lobar or segmental opacity with indistinct borders",
    "Pneumothorax": "pleural line with no lung markings beyond it",
    "Consolidation": "dense opacity with air bronchograms that hides the vessels",
    "Edema": "perihilar haze on both sides, cephalised vessels, septal lines",
    "Emphysema": "hyperinflated dark lungs, flat diaphragm, narrow heart",
    "Fibrosis": "reticular lines, mostly basal and peripheral, with volume loss",
    "Pleural_Thickening": "dense band along the chest wall or apex",
    "Hernia": "rounded retrocardiac density with an air-fluid level above the diaphragm",
}


def label_key(label: str) -> str:
    """What a label is told by: case and the choice of space, hyphen or underscore do not matter.

    >>> label_key("Pleural_Thickening") == label_key("pleural thickening")
    True
    """
    return label.strip().lower().replace(" ", "_").replace("-", "_")


def display_name(label: str) -> str:
    """`Pleural_Thickening` -> `Pleural thickening`; the spelling used on pages and in figures."""
    return label.replace("_", " ").capitalize()
