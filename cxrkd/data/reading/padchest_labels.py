"""Labels of PadChest: the 19 differential diagnoses, and the 28 findings of TorchXRayVision."""

from __future__ import annotations

# The differential-diagnosis branch of the label tree (Bustos et al., figure 5), spelled as in the table.
PAPER19: tuple[str, ...] = (
    "pneumonia",
    "atypical pneumonia",
    "tuberculosis",
    "tuberculosis sequelae",
    "lung metastasis",
    "lymphangitis carcinomatosa",
    "lepidic adenocarcinoma",
    "pulmonary fibrosis",
    "post radiotherapy changes",
    "asbestosis signs",
    "emphysema",
    "copd signs",
    "heart insufficiency",
    "respiratory distress",
    "pulmonary hypertension",
    "pulmonary artery hypertension",
    "pulmonary venous hypertension",
    "pulmonary edema",
    "bone metastasis",
)

# Label -> text that makes it present (Cohen et al., "TorchXRayVision", MIDL 2022; `PC_Dataset` of version 1.5.7).
TORCHXRAYVISION: dict[str, tuple[str, ...]] = {
    "Air Trapping": ("air trapping",),
    "Aortic Atheromatosis": ("aortic atheromatosis",),
    "Aortic Elongation": ("aortic elongation",),
    "Atelectasis": ("atelectasis",),
    "Bronchiectasis": ("bronchiectasis",),
    "Cardiomegaly": ("cardiomegaly",),
    "Consolidation": (
        "consolidation",
        "air bronchogram",
    ),
    "Costophrenic Angle Blunting": ("costophrenic angle blunting",),
    "Edema": ("edema",),
    "Effusion": ("effusion",),
    "Emphysema": ("emphysema",),
    "Fibrosis": ("fibrosis",),
    "Flattened Diaphragm": ("flattened diaphragm",),
    "Fracture": ("fracture",),
    "Granuloma": ("granuloma",),
    "Hemidiaphragm Elevation": ("hemidiaphragm elevation",),
    "Hernia": ("hernia",),
    "Hilar Enlargement": (
        "hilar enlargement",
        "adenopathy",
        "pulmonary artery enlargement",
    ),
    "Infiltration": (
        "infiltration",
        "infiltrates",
        "interstitial pattern",
        "ground glass pattern",
        "reticular interstitial pattern",
        "reticulonodular interstitial pattern",
        "alveolar pattern",
        "consolidation",
        "air bronchogram",
    ),
    "Mass": ("mass",),
    "Nodule": ("nodule",),
    "Pleural_Thickening": (
        "pleural_thickening",
        "pleural thickening",
    ),
    "Pneumonia": ("pneumonia",),
    "Pneumothorax": ("pneumothorax",),
    "Scoliosis": ("scoliosis",),
    "Support Devices": (
        "support devices",
        "device",
        "pacemaker",
    ),
    "Tube": (
        "tube'",
        "stent'",
    ),
    "Tuberculosis": ("tuberculosis",),
}

# Missing from or damaged in the release, by the list in `PC_Dataset` of TorchXRayVision 1.5.7.
BROKEN: frozenset[str] = frozenset(
    (
        "216840111366964012819207061112010307142602253_04-014-084.png",
        "216840111366964012989926673512011074122523403_00-163-058.png",
        "216840111366964012959786098432011033083840143_00-176-115.png",
        "216840111366964012558082906712009327122220177_00-102-064.png",
        "216840111366964012339356563862009072111404053_00-043-192.png",
        "216840111366964013076187734852011291090445391_00-196-188.png",
        "216840111366964012373310883942009117084022290_00-064-025.png",
        "216840111366964012283393834152009033102258826_00-059-087.png",
        "216840111366964012373310883942009170084120009_00-097-074.png",
        "216840111366964012819207061112010315104455352_04-024-184.png",
        "216840111366964012819207061112010306085429121_04-020-102.png",
        "216840111366964012989926673512011083134050913_00-168-009.png",
        "216840111366964012373310883942009152114636712_00-102-045.png",
        "216840111366964012819207061112010281134410801_00-129-131.png",
        "216840111366964012487858717522009280135853083_00-075-001.png",
        "216840111366964012989926673512011151082430686_00-157-045.png",
        "216840111366964013686042548532013208193054515_02-026-007.png",
        "216840111366964013590140476722013058110301622_02-056-111.png",
        "216840111366964013590140476722013043111952381_02-065-198.png",
        "216840111366964013829543166512013353113303615_02-092-190.png",
        "216840111366964013962490064942014134093945580_01-178-104.png",
    )
)
