import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing
from pydicom.pixels.decoders.base import Decoder

from cxrkd.errors import ImageError
from cxrkd.images import dicom as dicom_module
from cxrkd.images.radiograph import to_input
from cxrkd.images.read import read
from cxrkd.images.windows import apply_window

CASES = Path(__file__).parent / "cases"
FULL = {"WindowCenter": 2048, "WindowWidth": 4096}


def test_window_maps_its_ends_to_black_and_white(make):
    values = make.gradient(4095, np.uint16)
    r = read(make.dicom(values, **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)
    assert r.notes == ("window of the file applied (centre 2048, width 4096)",)


def test_a_window_clips_what_lies_outside(make):
    values = make.gradient(4095, np.uint16)
    r = read(make.dicom(values, WindowCenter=1024, WindowWidth=1025), "film.dcm")
    expected = np.clip((values - 1023.5) / 1024 + 0.5, 0, 1)
    np.testing.assert_allclose(r.pixels, expected, atol=1e-5)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(2000, 3000), (100, 50), (0, 2), (-500, 4000), (2047.5, 1)])
def test_windows_are_pydicoms(make, function, centre, width):
    values = np.arange(-100, 4000, dtype=np.int16)[None]
    tags = {"WindowCenter": centre, "WindowWidth": width, "VOILUTFunction": function}
    theirs = apply_windowing(values, make.film(values, **tags))
    low, high = -(2**15), 2**15 - 1
    ours = apply_window(values, centre, width, function)
    np.testing.assert_allclose(ours, (theirs - low) / (high - low), atol=2e-5)


def test_rescale_comes_before_the_window(make):
    values = make.gradient(1000, np.uint16)
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 0.5, "WindowWidth": 2001}
    r = read(make.dicom(values, **tags), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 1000, atol=1e-6)
    assert len(r.notes) == 1, "stretching the tones would hide a wrong order"


def test_signed_values_are_read(make):
    values = (make.gradient(2000, np.int16) - 1000).astype(np.int16)
    r = read(make.dicom(values, WindowCenter=0.5, WindowWidth=2001), "film.dcm")
    np.testing.assert_allclose(r.pixels, (values + 1000) / 2000, atol=1e-6)
    assert len(r.notes) == 1, "stretching the tones would hide a wrong order"


def test_monochrome1_is_inverted_after_the_window_and_noted(make):
    values = make.gradient(4095, np.uint16)
    plain = read(make.dicom(values, **FULL), "a.dcm")
    turned = read(make.dicom(values, PhotometricInterpretation="MONOCHROME1", **FULL), "b.dcm")
    np.testing.assert_allclose(turned.pixels, 1 - plain.pixels, atol=1e-7)
    assert "MONOCHROME1" in turned.notes[-1]


def test_inversion_does_not_depend_on_bits_that_are_not_used(make):
    """Inverting stored values against 2^BitsStored - 1 would turn a 10-bit film in 16 bits nearly white."""
    values = make.gradient(1023, np.uint16)
    tags = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 512, "WindowWidth": 1024}
    r = read(make.dicom(values, **tags), "film.dcm")
    assert r.pixels.min() == pytest.approx(0, abs=1e-3)
    assert r.pixels.mean() == pytest.approx(0.5, abs=1e-3)


def test_without_a_window_the_range_present_is_used(make):
    values = (make.gradient(800, np.uint16) + 5000).astype(np.uint16)
    values[0, 0] = 65535
    r = read(make.dicom(values), "film.dcm")
    assert np.percentile(r.pixels, 1) < 0.02
    assert np.percentile(r.pixels, 99) > 0.98
    assert "no window in the file" in r.notes[0]


def test_a_window_that_shows_nothing_gives_way(make):
    r = read(make.dicom(make.gradient(1000, np.uint16), WindowCenter=60000, WindowWidth=10), "film.dcm")
    assert np.ptp(r.pixels) == 1
    assert "window that shows nothing" in r.notes[0]


def test_a_window_that_leaves_most_tones_unused_is_stretched(make):
    values = make.gradient(1000, np.uint16)
    r = read(make.dicom(values, **FULL), "film.dcm")
    assert np.ptp(r.pixels) == 1
    assert [note.split()[0] for note in r.notes] == ["window", "tones"]


@pytest.mark.parametrize(
    "tags", [{"WindowWidth": 0}, {"WindowWidth": -4}, {"WindowCenter": ""}, {"WindowWidth": "nan"}]
)
def test_a_window_that_is_no_window_is_passed_over(make, tags):
    r = read(make.dicom(make.gradient(4095, np.uint16), **(FULL | tags)), "film.dcm")
    assert "no window in the file" in r.notes[0]


def test_the_first_of_several_windows_is_taken(make):
    values = make.gradient(4095, np.uint16)
    r = read(make.dicom(values, WindowCenter=[2048, 100], WindowWidth=[4096, 10]), "film.dcm")
    np.testing.assert_allclose(r.pixels, values / 4095, atol=1e-6)


def lut(entries, first, bits):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return [item]


def test_a_lookup_table_is_preferred_to_the_window(make):
    values = make.gradient(255, np.uint8)
    table = [min(4095, 2 * 16 * i) for i in range(256)]
    r = read(make.dicom(values, VOILUTSequence=lut(table, 0, 12), WindowCenter=1, WindowWidth=2), "film.dcm")
    np.testing.assert_allclose(r.pixels, np.array(table)[values] / 4095, atol=1e-6)
    assert r.notes[0] == "lookup table of the file applied"


def test_a_modality_table_comes_before_the_window(make):
    values = make.gradient(255, np.uint8)
    sequence = lut([4095 - 16 * i for i in range(256)], 0, 16)
    sequence[0].ModalityLUTType = "US"
    r = read(make.dicom(values, ModalityLUTSequence=sequence, **FULL), "film.dcm")
    np.testing.assert_allclose(r.pixels, (4095 - 16.0 * values) / 4095, atol=1e-6)


@pytest.mark.parametrize("implicit", [False, True])
def test_a_data_set_without_header_is_read(make, implicit):
    values = make.gradient(4095, np.uint16)
    data = make.dicom(values, header=False, implicit=implicit, **FULL)
    assert data[128:132] != b"DICM"
    np.testing.assert_allclose(read(data, "IM0001").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "PALETTE COLOR", ""])
def test_other_photometric_interpretations_are_refused(make, photometric):
    data = make.dicom(make.gradient(255, np.uint8), PhotometricInterpretation=photometric)
    with pytest.raises(ImageError, match="MONOCHROME1 or MONOCHROME2"):
        read(data, "film.dcm")


def test_several_frames_are_refused(make):
    values = make.gradient(255, np.uint8)
    with pytest.raises(ImageError, match="holds 3 frames"):
        read(make.dicom(values, NumberOfFrames=3, PixelData=values.tobytes() * 3), "film.dcm")


def test_a_file_without_pixels_is_refused(make):
    ds = make.film(make.gradient(255, np.uint8))
    del ds.PixelData
    out = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(out, ds)
    with pytest.raises(ImageError, match="without an image"):
        read(out.getvalue(), "report.dcm")


@pytest.mark.parametrize(
    "tags", [{"RescaleSlope": "1e306", "RescaleIntercept": 0}, {"RescaleSlope": "1e308", "RescaleIntercept": "-1e308"}]
)
def test_hostile_rescaling_is_a_sentence(make, tags):
    with pytest.raises(ImageError, match="not numbers"):
        read(make.dicom(make.gradient(4095, np.uint16), **tags), "film.dcm")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"Modality": "CT"}, "not a plain film"),
        ({"BodyPartExamined": "HAND"}, "another part than the chest"),
        ({"ViewPosition": "LL"}, "not frontal"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw detector values"),
    ],
)
def test_doubts_are_noted_without_repeating_the_tag(make, tags, said):
    r = read(make.dicom(make.gradient(4095, np.uint16), **FULL, **tags), "film.dcm")
    assert said in r.notes[-1]
    assert next(iter(tags.values())) not in r.notes[-1]
    assert read(make.dicom(make.gradient(4095, np.uint16), **FULL), "film.dcm").notes[1:] == ()


def test_nothing_of_the_patient_is_kept_shown_or_logged(make, caplog, capsys, recwarn):
    caplog.set_level(logging.DEBUG)
    values = make.gradient(4095, np.uint16)
    r = read(make.dicom(values, **FULL), "film.dcm")
    with pytest.raises(ImageError) as caught:
        read(make.dicom(values, NumberOfFrames=2), "film.dcm")
    out = capsys.readouterr()
    said = [repr(r), *map(str, vars(r).values()), str(caught.value), caplog.text, out.out, out.err, *map(str, recwarn)]
    for secret in ("Doe", "Jane", "4711", "1950"):
        assert not any(secret in text for text in said)
    other = read(make.dicom(values, PatientName="Roe^Richard", **FULL), "film.dcm")
    assert other.sha256 == r.sha256


def test_a_damaged_header_does_not_bring_a_patient_into_a_warning(make, caplog, recwarn):
    """The length of the transfer syntax runs on over the name that follows."""
    data = make.dicom(make.gradient(4095, np.uint16), **FULL)
    uid = b"\x02\x00\x10\x00UI\x14\x00"
    assert uid in data
    with pytest.raises(ImageError):
        read(data.replace(uid, b"\x02\x00\x10\x00UI\x2c\x01"), "film.dcm")
    assert not any("Doe" in text for text in (caplog.text, *map(str, recwarn)))


def test_patient_tags_are_skipped_while_reading(make, monkeypatch):
    """pydicom warns with the value of a tag that it finds invalid, so they must not be in the data set at all."""
    seen = []
    check = dicom_module.check_header
    monkeypatch.setattr(dicom_module, "check_header", lambda ds, name: seen.append(ds) or check(ds, name))
    read(make.dicom(make.gradient(4095, np.uint16), **FULL), "film.dcm")
    assert not [e.keyword for e in seen[0] if e.keyword.startswith("Patient")]
    assert "Rows" in seen[0]


@pytest.fixture(scope="module")
def films(rg1):
    return {kind: read(data, kind) for kind, data in rg1.items()}


def test_the_real_film_is_the_same_in_all_four_transfer_syntaxes(films):
    assert films["J2KR"].sha256 == films["UNCR"].sha256
    assert films["J2KI"].sha256 == films["UNCI"].sha256
    assert films["UNCI"].pixels.shape == (1955, 1841)
    # The lossy pair differs from the lossless one by what JPEG 2000 threw away.
    apart = np.abs(films["J2KI"].pixels - films["J2KR"].pixels)
    assert 0 < apart.max() < 0.03
    assert np.abs(to_input(films["J2KI"], 64) - to_input(films["J2KR"], 64)).max() <= 1 / 255 + 1e-6


def test_the_real_film_has_bright_mediastinum_and_dark_lungs(films):
    film = to_input(films["UNCR"], 100)
    lung, mediastinum, corner = film[25:35, 68:78].mean(), film[60:75, 45:55].mean(), film[:3, -3:].mean()
    assert mediastinum > lung + 0.15
    assert corner < 0.3
    assert any("MONOCHROME1" in note for note in films["UNCR"].notes)


def test_run_length_coding_is_read_without_further_decoders(make):
    values = make.gradient(4095, np.uint16)
    ds = make.film(values, **FULL)
    ds.compress(pydicom.uid.RLELossless)
    out = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(out, ds)
    np.testing.assert_allclose(read(out.getvalue(), "film.dcm").pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "kind"), [("JPGExtended.dcm", "JPEG Extended"), ("JPEG-LL.dcm", "JPEG Lossless"), ("", "JPEG-LS Lossless")]
)
def test_a_compression_without_decoder_is_named(monkeypatch, name, kind):
    path = get_testdata_file(name, download=False) if name else CASES / "jpegls_12bit.dcm"
    if path is None:
        pytest.skip("needs pydicom-data")
    monkeypatch.setattr(Decoder, "available_plugins", ())
    with pytest.raises(ImageError, match=rf"compressed as {kind}.*not installed.*python-gdcm"):
        read(Path(path).read_bytes(), "film.dcm")
