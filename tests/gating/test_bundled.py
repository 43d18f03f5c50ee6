import pytest

from cxrkd.errors import DataError
from cxrkd.gating import bundled


def scenes(sources):
    """Names without what only tells exports of one scene apart."""
    return {name.split(".")[0].removesuffix("_left").removesuffix("_right").split("_J2K")[0] for _, name in sources}


@pytest.mark.parametrize("pictures", [bundled.PHOTOS, bundled.SLICES])
def test_no_scene_is_fitted_and_measured(pictures):
    assert not scenes(pictures["fit"]) & scenes(pictures["held out"])


def test_neither_the_chest_nor_the_leg_is_fitted():
    fitted = {name for pictures in (bundled.PHOTOS, bundled.SLICES) for _, name in pictures["fit"]}
    assert not any(name.startswith(("RG1", "RG3")) for name in fitted)


@pytest.mark.parametrize(
    "source",
    [
        *bundled.DOCUMENTS,
        *(s for pictures in (bundled.PHOTOS, bundled.SLICES) for use in pictures.values() for s in use),
    ],
    ids=lambda source: source[1],
)
def test_every_picture_is_where_it_is_said_to_be(source):
    if source[0] == bundled.PYDICOM_DATA:
        pytest.importorskip("data_store", reason="needs pydicom-data")
    assert bundled.load(*source).pixels.ndim == 2


def test_faces_are_small_photographs():
    assert bundled.faces().shape == (200, 25, 25)


def test_a_missing_package_or_picture_is_a_sentence():
    with pytest.raises(DataError, match="no_such_package is not installed"):
        bundled.load("no_such_package/data", "a.png")
    with pytest.raises(DataError, match=r"no-such\.png; install the versions"):
        bundled.load(bundled.SKIMAGE, "no-such.png")
