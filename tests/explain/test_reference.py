import numpy as np
import pytest
import torch

from cxrkd.errors import ConfigError
from cxrkd.explain.cam import grad_cam, grad_cams, grad_cams_by_method
from cxrkd.explain.cam_explainer import cam
from cxrkd.explain.cam_family import cams
from cxrkd.explain.explainer import EXPLAINERS, GRADIENTS, Explainer, GridMaps
from cxrkd.explain.reference import evenly, references


@pytest.fixture
def films():
    return np.random.default_rng(0).integers(0, 255, (30, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
def test_all_methods_from_one_pass_are_those_of_each(toy, films, name):
    x = torch.from_numpy(films[:3].astype(np.float32) / 255)[:, None]
    found = grad_cams_by_method(toy(name), x)
    assert set(found) == set(cams())
    for method, maps in found.items():
        np.testing.assert_array_equal(maps, grad_cams(toy(name), x, method)[0])


def test_a_method_that_is_undefined_on_a_network_is_left_out(toy, films):
    def undefined(acts, grads):
        raise ConfigError("zero everywhere")

    family = set(cams())
    with EXPLAINERS.adding(cam("nowhere", "Nowhere", "Undefined.", "none", undefined)):
        assert set(references(toy(), films)) == family


def test_an_explainer_of_another_kind_can_keep_its_own_maps(toy, films):
    def brightness(networks, films, settings, steps):
        logits = {name: np.zeros(5) for name in networks}
        return [GridMaps(logits, {name: np.stack([film[:4, :4]] * 5) for name in networks}) for film in films]

    entry = {"title": "Own", "sentence": "What is bright.", "needs": (GRADIENTS,), "explain": brightness}
    kin = Explainer(name="kin", reference="gradcam", **entry)
    with EXPLAINERS.adding(Explainer(name="own", reference="own", **entry), kin):
        kept = references(toy(), films)
    assert set(kept) == {*cams(), "own"}
    expected = films[0, :4, :4] / films[0, :4, :4].max()
    np.testing.assert_allclose(kept["own"].other_films[0, 3], expected, rtol=1e-5)


def test_what_is_kept_by_hand(toy, films):
    model = toy("cnn", stride=16)
    cams = np.stack([grad_cam(model, torch.from_numpy(f.astype(np.float32) / 255)[None, None]).cams for f in films])
    found = references(model, films)["gradcam"]
    single = found.other_films
    assert (single.shape, found.label_means.shape) == ((24, 5, 3, 3), (12, 5, 3, 3))
    np.testing.assert_allclose(np.abs(single).max((-2, -1)), 1, rtol=1e-5)
    np.testing.assert_allclose(single[0], cams[0] / np.abs(cams[0]).max((-2, -1), keepdims=True), rtol=1e-4, atol=1e-6)
    mean = cams[[3, 15, 27]].mean(0)
    expected = mean / np.abs(mean).max((-2, -1), keepdims=True)
    np.testing.assert_allclose(found.label_means[3], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.strong, np.quantile(cams.max((-2, -1)).clip(0), 0.95, axis=0), rtol=1e-4)


def test_too_few_films_are_no_reference(toy, films):
    with pytest.raises(ValueError, match="at least 24 films, got 10"):
        references(toy(), films[:10])


@pytest.mark.parametrize(("n", "kept"), [(0, 0), (5, 5), (96, 96), (1000, 96)])
def test_rows_are_spread_evenly(n, kept):
    rows = evenly(n)
    assert len(rows) == kept
    assert len(set(rows.tolist())) == kept
    assert not kept or (rows[0], rows[-1]) == (0, n - 1)
