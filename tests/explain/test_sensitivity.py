"""Max-sensitivity against captum's, and in closed form."""

from functools import partial

import numpy as np
import pytest
import torch

from cxrkd.explain.cam import grad_cams
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.sensitivity import N_DRAWS, RADIUS, change_to_others, largest_change, max_sensitivity, perturbed
from cxrkd.explain.steps import in_turn


def test_it_is_captums(toy, film):
    metrics = pytest.importorskip("captum.metrics")
    model, pixels = toy(), film[0, 0].numpy()
    got = max_sensitivity(EXPLAINERS["gradcam"], Network(model), pixels, None, in_turn)
    copies = torch.from_numpy(perturbed(pixels))[:, None]

    def maps(inputs, k):
        x = inputs[0] if isinstance(inputs, tuple) else inputs
        return (torch.from_numpy(grad_cams(model, x)[0][:, k]),)

    for k in range(len(model.labels)):
        expected = metrics.sensitivity_max(
            partial(maps, k=k), film, perturb_func=lambda *_: (copies,), n_perturb_samples=N_DRAWS
        )
        assert got[k] == pytest.approx(float(expected), rel=1e-4)
    assert (got > 0).all()


def test_copies_stay_in_the_box_and_on_the_scale():
    film = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    copies = perturbed(film)
    assert copies.shape == (N_DRAWS, 64, 64)
    assert np.abs(copies - film).max() <= RADIUS + 1e-6
    assert (copies.min(), copies.max()) == (0, 1)


def test_the_largest_change_in_lengths_of_the_map():
    heats = np.array([[[3.0, 4.0]], [[0.0, 0.0]]])
    others = np.array([[[[3.0, 3.0]], [[1.0, 0.0]]], [[[0.0, 0.0]], [[0.0, 0.0]]]])
    np.testing.assert_array_equal(largest_change(heats, others), [1.0, np.nan])


def test_other_films_are_compared_at_one_scale():
    heats = np.array([[[2.0, 0.0]], [[0.0, 0.0]]])
    same, opposite = 10 * heats, -heats
    np.testing.assert_array_equal(change_to_others(heats, np.stack([same, same, same])), [0.0, np.nan])
    np.testing.assert_array_equal(change_to_others(heats, np.stack([same, opposite, opposite])), [2.0, np.nan])
