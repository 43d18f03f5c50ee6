"""Pictures and slices that installed packages bring along, read by our own reader; none needs a network.

Each scene is used either to fit the gate or to measure it, never for both: `motorcycle_left` and `motorcycle_right`,
or the two abdomens of one MR study, stand on the same side.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from cxrkd.errors import DataError
from cxrkd.images.read import read

Use = Literal["fit", "held out"]
SKIMAGE, SKLEARN, MATPLOTLIB = "skimage/data", "sklearn/datasets/images", "matplotlib/mpl-data/sample_data"
PYDICOM, PYDICOM_DATA = "pydicom/data/test_files", "data_store/data"

PHOTOS: dict[Use, tuple[tuple[str, str], ...]] = {
    "fit": (
        *((SKIMAGE, f"{name}.png") for name in ("brick", "camera", "coffee", "coins", "grass", "clock_motion", "ihc")),
        *((SKIMAGE, f"{name}.png") for name in ("color", "motorcycle_left", "motorcycle_right", "logo", "horse")),
        *((SKIMAGE, f"{name}.jpg") for name in ("retina", "hubble_deep_field")),
        (SKLEARN, "china.jpg"),
    ),
    "held out": (
        *((SKIMAGE, f"{name}.png") for name in ("astronaut", "cell", "chelsea", "gravel", "microaneurysms", "moon")),
        (SKIMAGE, "rocket.jpg"),
        (SKLEARN, "flower.jpg"),
        (MATPLOTLIB, "grace_hopper.jpg"),
        (MATPLOTLIB, "Minduka_Present_Blue_Pack.png"),
    ),
}
SLICES: dict[Use, tuple[tuple[str, str], ...]] = {
    "fit": (
        (PYDICOM_DATA, "693_J2KR.dcm"),
        (PYDICOM_DATA, "693_UNCI.dcm"),
        (PYDICOM_DATA, "MR2_UNCR.dcm"),
        (PYDICOM_DATA, "explicit_VR-UN.dcm"),
        (PYDICOM_DATA, "JPEG2000_UNC.dcm"),
        (SKIMAGE, "phantom.png"),
    ),
    "held out": (
        (PYDICOM, "J2K_pixelrep_mismatch.dcm"),
        (PYDICOM, "examples_overlay.dcm"),
        (PYDICOM_DATA, "MR-SIEMENS-DICOM-WithOverlays.dcm"),
        (PYDICOM, "CT_small.dcm"),
        (PYDICOM, "MR_small.dcm"),
        (PYDICOM, "liver_1frame.dcm"),
    ),
}
DOCUMENTS: tuple[tuple[str, str], ...] = (
    (SKIMAGE, "page.png"),
    (SKIMAGE, "text.png"),
    (MATPLOTLIB, "logo2.png"),
    (PYDICOM_DATA, "mlut_18.dcm"),
    *(
        ("networkx/drawing/tests/baseline", f"test_display_{name}.png")
        for name in ("complex", "house_with_colors", "labels_and_colors", "shortest_path")
    ),
    *(("sympy/plotting/tests", f"test_region_{name}.png") for name in ("and", "not", "or", "xor")),
)
"""Held out, all of them: the documents that the gate is fitted on are drawn."""
CHEST = tuple((PYDICOM_DATA, f"RG1_{syntax}.dcm") for syntax in ("UNCI", "UNCR", "J2KI", "J2KR"))
LEG = tuple((PYDICOM_DATA, f"RG3_{syntax}.dcm") for syntax in ("UNCI", "UNCR", "J2KI", "J2KR"))
"""A chest and a lower leg in four transfer syntaxes each, both held out."""


@dataclass(frozen=True, eq=False)
class Bundled:
    """A picture of a package: its file name, its tones float32 (H, W) in [0, 1], its share of coloured pixels."""

    name: str
    pixels: np.ndarray
    colour: float


def load(folder: str, name: str) -> Bundled:
    """One picture.

    Raises:
        DataError: the package that holds it is not installed, or another version of it is.
    """
    path = _package(folder.split("/")[0]) / Path(*folder.split("/")[1:]) / name
    if not path.is_file():
        raise DataError(f"There is no {path}; install the versions in requirements-dev.txt.")
    film = read(path.read_bytes(), name)
    return Bundled(name, film.pixels, film.colour)


def faces() -> np.ndarray:
    """The small photographs of scikit-image's face data, 100 faces and 100 other scraps, float32 (200, 25, 25)."""
    path = _package("skimage") / "data" / "lfw_subset.npy"
    return np.load(path).astype(np.float32)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"The Python package {name} is not installed; pip install -r requirements-dev.txt.")
    return Path(next(iter(spec.submodule_search_locations)))
