"""Why an answer may mean little. Values of the elements are not repeated: they are free text in many files."""

from __future__ import annotations

import re
import unicodedata

from pydicom.dataset import Dataset

from cxrkd.images.elements import with_comma, word

PLAIN_FILMS = ("", "CR", "DX", "RG")
# PA and AP, "AP SUPINE", "PA_ERECT", "P-A", "FRONTAL", "POSTEROANTERIOR", in several languages.
FRONTAL = re.compile(r"(?<![A-Z])(PA|AP|P ?A|A ?P|FRONT\w*|(ANTERO|POSTERO)\w*)(?![A-Z])")
CHEST = re.compile(r"CHEST|THORAX|TORA(X|CE|KS)|LUNG|PULM|POLMON|POUMON|\bRIBS?\b|PECHO|POITRINE|BRUSTKORB")
# Beginnings of words for other parts, those of up to four letters whole words (PS3.16, annex L; then Spanish,
# Portuguese, French, Italian, German, Dutch).
OTHER_PARTS = """
    ABDOM PELVI HIP FEMUR THIGH KNEE PATELLA LEG TIBIA FIBULA ANKLE FOOT FEET TOE CALCAN HEEL SHOULDER SCAPUL CLAVIC
    HUMER ARM ELBOW FOREARM RADIUS ULNA WRIST HAND FINGER THUMB SKULL HEAD BRAIN FACE FACIAL NASAL NOSE ORBIT SINUS JAW
    MANDIB MAXILL TEETH TOOTH DENTAL NECK CERVIC SPINE LUMBA LSPINE TSPINE CSPINE SSPINE SACRU SACRA COCCY
    BREAST MAMMA MAMMO EXTREMIT BLADDER KIDNEY COLON BOWEL STOMACH
    MANO MUNEC CODO HOMBRO RODILLA TOBILLO PIE CADERA CRANEO COLUMNA PIERNA BRAZO
    MAO PUNHO COTOVELO OMBRO JOELHO TORNOZELO QUADRIL CRANIO COLUNA PERNA BACIA
    MAIN POIGNET COUDE EPAULE GENOU CHEVILLE PIED HANCHE CRANE RACHIS BASSIN JAMBE
    POLSO GOMITO SPALLA GINOCCHIO CAVIGLIA PIEDE ANCA BACINO GAMBA
    HANDGELENK ELLENBOGEN SCHULTER KNIE FUSS HUFTE HUEFTE SCHADEL SCHAEDEL WIRBEL BECKEN
    POLS ELLEBOOG SCHOUDER ENKEL VOET HEUP SCHEDEL WERVEL BEKKEN BUIK
"""
# Elements of numbers in text, in which a decimal comma is understood.
DECIMAL = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelSpacing", "ImagerPixelSpacing")


def doubts(ds: Dataset) -> tuple[str, ...]:
    """Notes on what the file says of itself that does not suit a frontal chest film."""
    shape, mono = word(ds, "PresentationLUTShape"), word(ds, "PhotometricInterpretation")
    view = word(ds, "ViewPosition")
    checks = {
        "PresentationLUTShape contradicts PhotometricInterpretation, which is taken: check that bone is bright": (
            (shape, mono) in (("INVERSE", "MONOCHROME2"), ("IDENTITY", "MONOCHROME1"))
        ),
        "the file says that it is not a plain film (CR or DX)": word(ds, "Modality") not in PLAIN_FILMS,
        "the file says that it shows another part than the chest": shows_another_part(word(ds, "BodyPartExamined")),
        "the file says that the view is not frontal; models know PA and AP": (
            bool(view) and FRONTAL.search(re.sub(r"[^A-Z]+", " ", view)) is None
        ),
        "raw detector values meant for processing": word(ds, "PresentationIntentType") == "FOR PROCESSING",
    }
    commas = tuple(f"decimal comma in {key} read as a point" for key in with_comma(ds, DECIMAL))
    return (*commas, *(text for text, holds in checks.items() if holds))


def shows_another_part(part: str) -> bool:
    """Whether the words of BodyPartExamined, in capitals, clearly name a part that is not the chest."""
    plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    if CHEST.search(plain):
        return False
    return any(_names_another(term) for term in re.split(r"[^A-Z]+", plain))


def _names_another(term: str) -> bool:
    short = {part + plural for part in OTHER_PARTS.split() if len(part) <= 4 for plural in ("", "S")}
    return term in short or term.startswith(tuple(part for part in OTHER_PARTS.split() if len(part) > 4))
