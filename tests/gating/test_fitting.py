import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxrkd.gating import fit, fitting, phantoms
from cxrkd.gating.films import detail, wrong_ways
from cxrkd.images.gate import KINDS
from cxrkd.images.radiograph import radiograph


@pytest.fixture
def few(monkeypatch):
    """A handful of pictures of every kind."""
    pytest.importorskip("data_store", reason="needs pydicom-data")
    for name, n in (("PER_PHOTO", 2), ("PER_SLICE", 4), ("PER_PROGRAM", 25), ("COMPONENTS", 8)):
        monkeypatch.setattr(fitting, name, n)
    return phantoms(30, 5)


def test_a_small_fit_is_deterministic_and_tells_films_from_strangers(few):
    gate, counts = fit(few)
    assert tuple(counts) == KINDS
    assert counts["chest"] == 3 * len(few)
    assert counts["clockwise"] == counts["inverted"] == 2 * len(few)
    assert counts["limb"] == 25
    again, _ = fit(few)
    np.testing.assert_array_equal(again.weight, gate.weight)
    (unseen,) = phantoms(31, 6)[-1:]
    assert gate.judge(radiograph(unseen.pixels, "film", ())).passed
    for kind, pixels in wrong_ways(unseen.pixels).items():
        assert gate.judge(radiograph(pixels, "film", ())).kind == kind


def test_a_kind_that_is_left_out_is_never_named(few):
    gate, counts = fit(few, ["photo", "limb"])
    assert counts["photo"] == counts["limb"] == 0
    rng = np.random.default_rng(0)
    for _ in range(20):
        probs = gate.probs(rng.random((64, 64), dtype=np.float32))
        assert probs[KINDS.index("photo")] < 1e-9
        assert probs.sum() == pytest.approx(1)


def test_the_regression_is_that_of_scikit_learn_on_raw_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(3, 5, (120, 4))
    kinds = (rows[:, 0] > 3).astype(int) + 2 * (rows[:, 1] > 3)
    weight, bias = fitting.regress(rows, kinds)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=fitting.C, max_iter=fitting.MAX_ITERATIONS))
    logits = oracle.fit(rows, kinds).decision_function(rows)
    ours = (rows @ weight + bias)[:, :4]
    np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), logits - logits.mean(1, keepdims=True), atol=1e-4)


def test_the_plane_holds_films_and_their_mirror_images(few):
    plane = fitting.fit_plane([film.pixels for film in few])
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(len(plane.basis)), atol=5e-3)
    film = few[0].pixels
    far = {name: plane.distances(fitting.ranks(fitting.shrink(image)))[0] for name, image in wrong_ways(film).items()}
    near = [plane.distances(fitting.ranks(fitting.shrink(image)))[0] for image in (film, film[:, ::-1])]
    assert max(near) < min(far.values())


def test_wrong_ways_are_what_they_are_called():
    film = np.arange(6, dtype=np.float32).reshape(2, 3) / 6
    found = wrong_ways(film)
    np.testing.assert_array_equal(found["clockwise"][0], film[::-1, 0])
    np.testing.assert_array_equal(found["anticlockwise"][-1], film[:, 0])
    np.testing.assert_array_equal(found["upside down"], film[::-1, ::-1])
    np.testing.assert_array_equal(found["inverted"], 1 - film)


def test_a_detail_is_a_part_only():
    film = np.zeros((100, 100), np.float32)
    film[:, 50:] = 1
    found = [detail(film, np.random.default_rng(seed)) for seed in range(20)]
    assert all(one.shape == (256, 256) for one in found)
    assert any(np.ptp(one) == 0 for one in found)
