"""The shipped gate on drawn films and strangers; what it did on real ones is in docs/experiments.md."""

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from cxrkd.checksums import check
from cxrkd.data.phantom import render
from cxrkd.errors import GateError
from cxrkd.images import gate as module
from cxrkd.images.gate import COLOURED_SHARE, KINDS, REASONS, Gate, Plane, judge, load_gate
from cxrkd.images.looks import N_RANKS, edges, ranks, shrink, symmetry, tones
from cxrkd.images.radiograph import radiograph
from cxrkd.images.read import read


def phantom(patient, size=160):
    """A patient of a seed that neither the fit nor the measurement of the gate draws."""
    return render(31, patient, 0, size).pixels.astype(np.float32) / 255


def verdict(pixels, colour=0.0):
    return judge(radiograph(np.ascontiguousarray(pixels), "film.png", (), colour))


def page_of_text(rng):
    image = np.ones((240, 180), np.float32)
    for y in range(20, 220, 12):
        image[y : y + 6, 20 : rng.integers(90, 165)] = rng.random((6, 1)) < 0.5
    return image


def bone(_):
    image = np.zeros((200, 200), np.float32)
    cv2.line(image, (100, 0), (108, 199), 0.35, 70)
    cv2.line(image, (100, 0), (108, 199), 0.95, 26)
    cv2.line(image, (100, 0), (108, 199), 0.6, 12)
    return cv2.GaussianBlur(image, (0, 0), 2)


def head_slice(_):
    image = np.zeros((200, 200), np.float32)
    cv2.ellipse(image, (100, 100), (60, 76), 0, 0, 360, 1.0, -1)
    cv2.ellipse(image, (100, 100), (53, 69), 0, 0, 360, 0.35, -1)
    cv2.ellipse(image, (88, 95), (8, 22), 10, 0, 360, 0.15, -1)
    cv2.ellipse(image, (112, 95), (8, 22), -10, 0, 360, 0.15, -1)
    return cv2.GaussianBlur(image, (0, 0), 1)


STRANGERS = {
    "document": page_of_text,
    "limb": bone,
    "slice": head_slice,
    "pattern": lambda rng: rng.random((128, 128), dtype=np.float32),
}


@pytest.mark.parametrize("patient", range(6))
def test_a_phantom_passes_whichever_side_is_left(patient):
    film = phantom(patient)
    for upright in (film, film[:, ::-1]):
        found = verdict(upright)
        assert (found.passed, found.kind, found.reason) == (True, "chest", "")
        assert found.score > 0.5


@pytest.mark.parametrize("size", [64, 256, 512])
def test_the_size_of_a_film_does_not_decide(size):
    assert verdict(phantom(1, size)).passed


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("anticlockwise", lambda film: np.rot90(film, 1)),
        ("upside down", lambda film: np.rot90(film, 2)),
        ("clockwise", lambda film: np.rot90(film, 3)),
        ("inverted", lambda film: 1 - film),
    ],
)
@pytest.mark.parametrize("patient", range(3))
def test_a_film_the_wrong_way_is_flagged_with_that_reason(kind, change, patient):
    found = verdict(change(phantom(patient)))
    assert (found.passed, found.kind, found.reason) == (False, kind, REASONS[kind])
    assert found.score < 0.5


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_film_is_flagged_with_that_reason(kind):
    found = verdict(STRANGERS[kind](np.random.default_rng(3)))
    assert (found.passed, found.kind) == (False, kind)


def test_a_photograph_is_flagged_with_that_reason():
    from skimage import data

    found = verdict(data.camera().astype(np.float32) / 255)
    assert (found.passed, found.kind) == (False, "photo")


def test_what_is_nearly_blank_is_flagged_before_the_model_is_asked():
    film = 0.5 + 0.05 * (phantom(0) - 0.5)
    assert verdict(phantom(0)).passed
    found = verdict(film)
    assert (found.kind, found.score) == ("blank", 0.0)
    specks = np.full((100, 100), 0.2, np.float32)
    specks[10, 10] = 1
    assert verdict(specks).kind == "blank"


def test_every_reason_is_one_sentence():
    assert set(KINDS) | {"blank", "colour"} == set(REASONS)
    for kind, reason in REASONS.items():
        assert reason == "" if kind == "chest" else reason.startswith("It ") and reason.count(".") == 1, kind


def test_a_coloured_film_is_flagged_and_a_tinted_one_is_not(make):
    film = (phantom(2) * 255).astype(np.uint8)
    heat = cv2.cvtColor(cv2.applyColorMap(film, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    coloured = read(make.encode(heat), "heat.png")
    assert coloured.colour > COLOURED_SHARE
    assert judge(coloured).kind == "colour"
    blue = read(make.encode((film[..., None] * [0.7, 0.8, 1.0]).astype(np.uint8)), "blue.png")
    assert blue.colour == 0
    assert judge(blue).passed
    stamped = np.dstack([film] * 3)
    stamped[:12, :40] = (255, 0, 0)
    found = read(make.encode(stamped), "stamp.png")
    assert 0 < found.colour < COLOURED_SHARE
    assert judge(found).passed


def test_the_real_chest_film_passes_in_every_transfer_syntax(rg1):
    for syntax, data in rg1.items():
        found = judge(read(data, f"RG1_{syntax}.dcm"))
        assert found.passed, (syntax, found)


def test_the_leg_is_flagged_in_every_transfer_syntax():
    bundled = pytest.importorskip("cxrkd.gating.bundled")
    pytest.importorskip("data_store", reason="needs pydicom-data")
    for source in bundled.LEG:
        found = verdict(bundled.load(*source).pixels)
        assert (found.passed, found.kind) == (False, "limb"), source


def test_real_films_pass_and_their_wrong_ways_do_not(shared_data):
    names = (shared_data / "nih_mini" / "test_list.txt").read_text().split()[:40]
    flagged = 0
    for name in names:
        film = read((shared_data / "nih_mini" / "images" / name).read_bytes(), name).pixels
        flagged += not verdict(film).passed
        assert not verdict(1 - film).passed
        assert not any(verdict(np.rot90(film, k)).passed for k in (1, 2, 3))
    assert flagged <= 2


def test_the_verdict_can_be_stored_as_plain_values():
    assert verdict(phantom(0)).to_dict().keys() == {"passed", "kind", "reason", "score"}


@pytest.mark.parametrize("shape", [(512, 512), (1955, 1841), (700, 1900)])
def test_shrinking_in_two_steps_is_nearly_shrinking_in_one(shape):
    film = cv2.resize(phantom(4, 512), shape[::-1])
    np.testing.assert_allclose(shrink(film), cv2.resize(film, (64, 64), interpolation=cv2.INTER_AREA), atol=0.04)


def test_ranks_ignore_tones_and_change_sign_when_inverted():
    film = shrink(phantom(3))
    np.testing.assert_allclose(ranks(0.1 + 0.8 * film), ranks(film), atol=2e-3)
    np.testing.assert_allclose(ranks(1 - film), 1 / N_RANKS - ranks(film), atol=2e-3)


def test_edges_point_from_dark_to_bright():
    """A ramp to the right has all its strength in direction 0, one downwards in direction 2."""
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    for image, direction in ((ramp, 0), (ramp.T, 2), (1 - ramp, 4)):
        strength = (edges(np.ascontiguousarray(image)).reshape(-1, 8) ** 2).sum(0)
        assert strength[direction] == pytest.approx(1, abs=0.05)


def test_features_of_one_tone_are_numbers():
    flat = np.full((64, 64), 0.3, np.float32)
    for found in (ranks(flat), edges(flat), tones(flat), symmetry(ranks(flat))):
        assert np.isfinite(found).all()


def test_symmetry_is_one_for_a_mirror_image():
    half = np.random.default_rng(0).random((64, 32), dtype=np.float32)
    found = symmetry(ranks(np.hstack([half, half[:, ::-1]])))
    assert found[0] == pytest.approx(1, abs=1e-5)
    assert abs(found[1]) < 0.3


def test_the_distance_outside_a_plane_is_that_of_geometry():
    basis = np.zeros((1, N_RANKS), np.float32)
    basis[0, 0] = 1
    rank = np.zeros(N_RANKS, np.float32)
    rank[:2] = 3, 4
    outside, inside = Plane(np.zeros(N_RANKS, np.float32), basis, np.array([2], np.float32)).distances(rank)
    assert (outside, inside) == pytest.approx((4, 1.5))


def test_missing_coefficients_are_a_sentence(tmp_path):
    with pytest.raises(GateError, match=r"are missing\. Restore it from the repository, or fit it again"):
        load_gate(tmp_path / "gate.safetensors")


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_coefficients_are_a_sentence(tmp_path, damage):
    whole = module.COEFFICIENTS.read_bytes()
    path = tmp_path / "gate.safetensors"
    path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"not weights at all", "empty": b""}[damage])
    with pytest.raises(GateError, match=r"are damaged\. Restore it"):
        load_gate(path)


@pytest.mark.parametrize("change", [{"weight": np.zeros((3, len(KINDS)))}, {"bias": np.full(len(KINDS), np.nan)}])
def test_coefficients_of_another_gate_are_a_sentence(tmp_path, change):
    there = load_gate()
    other = Gate(there.plane, change.get("weight", there.weight), change.get("bias", there.bias))
    path = tmp_path / "gate.safetensors"
    other.save(path)
    with pytest.raises(GateError, match="this version's radiograph gate"):
        load_gate(path)


def test_saving_and_loading_keeps_the_verdict(tmp_path):
    path = tmp_path / "again.safetensors"
    load_gate().save(path)
    kept, made = load_file(module.COEFFICIENTS), load_file(path)
    assert kept.keys() == made.keys()
    assert all(np.array_equal(kept[name], made[name]) for name in kept)
    assert check(path) is True


def test_one_flipped_bit_in_the_coefficients_is_a_sentence(tmp_path):
    path = tmp_path / "gate.safetensors"
    load_gate().save(path)
    content = bytearray(path.read_bytes())
    content[-500] ^= 1
    path.write_bytes(content)
    with pytest.raises(GateError, match=r"are damaged\. Restore it"):
        load_gate(path)


def test_the_coefficients_are_small():
    assert module.COEFFICIENTS.stat().st_size < 200_000
