"""The first principal component: its oracle stands in test_cam.py, here are its sign and its edges."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction

from cxrkd.errors import AnswerError
from cxrkd.explain.cam import grad_cam, grad_cams
from cxrkd.explain.eigen import first_component

METHODS = ["eigencam", "eigengradcam"]


@pytest.fixture
def features():
    return torch.rand(2, 9, 5, 4, generator=torch.Generator().manual_seed(0))


def test_the_component_is_that_of_a_singular_value_decomposition(features):
    for one, found in zip(features.numpy(), first_component(features, features.sum(1)).numpy(), strict=True):
        x = one.reshape(9, 20).T.astype(float)
        u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
        expected = (s[0] * u[:, 0]).reshape(5, 4)
        np.testing.assert_allclose(found, expected * np.sign((expected * one.sum(0)).sum()), atol=1e-5)


def test_it_is_positive_where_the_guide_is_large_and_turns_with_it(features):
    guide = features.sum(1)
    found = first_component(features, guide)
    centred = guide - guide.mean((1, 2), keepdim=True)
    assert ((found * centred).sum((1, 2)) > 0).all()
    torch.testing.assert_close(first_component(features, -guide), -found)
    torch.testing.assert_close(first_component(-features, guide), found)


def test_behind_a_layer_norm_the_larger_extreme_is_positive(features):
    """The sum over channels is then rounding noise, which would decide otherwise."""
    normed = torch.nn.functional.layer_norm(features.movedim(1, -1), (9,)).movedim(-1, 1)
    found = first_component(normed, normed.sum(1))
    np.testing.assert_allclose(found, get_2d_projection_with_sign_correction(normed.numpy()), atol=1e-5)
    assert (found.amax((1, 2)) > -found.amin((1, 2))).all()


def test_features_that_do_not_vary_give_nothing_and_what_is_no_number_stays_none():
    flat = torch.ones(1, 9, 5, 4)
    assert (first_component(flat, flat.sum(1)) == 0).all()
    one_cell = torch.rand(3, 9, 1, 1)
    assert (first_component(one_cell, one_cell.sum(1)) == 0).all()
    mixed = torch.cat([torch.rand(1, 9, 5, 4), torch.full((1, 9, 5, 4), torch.inf)])
    found = first_component(mixed, mixed.sum(1))
    assert found[0].isfinite().all()
    assert found[1].isnan().all()


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
def test_eigencam_is_one_map_and_eigengradcam_one_for_each_label(toy, film, name):
    same, own = (grad_cam(toy(name), film, method).cams for method in METHODS)
    assert (same == same[0]).all()
    assert np.abs(own[0] - own[1]).max() > 0.1 * np.abs(own[0]).max()


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
def test_a_label_and_its_negation_have_opposite_maps_and_the_sign_is_that_of_grad_cam(toy, film, name):
    model = toy(name)
    with torch.no_grad():
        model.fc.weight[1] = -model.fc.weight[0]
    maps, guide = grad_cam(model, film, "eigengradcam").cams, grad_cam(model, film).cams
    np.testing.assert_allclose(maps[1], -maps[0], atol=1e-5 * np.abs(maps[0]).max())
    assert ((maps * (guide - guide.mean((1, 2), keepdims=True))).sum((1, 2)) > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_label_that_was_never_taught_has_no_map(toy, film, method):
    model = toy()
    with torch.no_grad():
        model.fc.weight[2], model.fc.bias[2] = 0, torch.nan
    result = grad_cam(model, film, method)
    assert (result.cams[2] == 0).all()
    assert np.abs(np.delete(result.cams, 2, axis=0)).max(axis=(1, 2)).min() > 0
    assert np.isnan(result.logits[2])


@pytest.mark.parametrize("method", METHODS)
def test_damaged_weights_are_a_sentence(toy, film, method):
    model = toy()
    with torch.no_grad():
        model.conv.weight[0] = torch.inf
    with pytest.raises(AnswerError, match="no number"):
        grad_cams(model, film, method)
