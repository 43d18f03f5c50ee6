"""Occlusion against captum."""

import numpy as np
import pytest
from captum.attr import Occlusion

from cxrkd.explain.explainer import Network
from cxrkd.explain.occlusion import Patches, occlusion
from cxrkd.explain.segments import filling
from cxrkd.explain.steps import in_turn


@pytest.mark.parametrize("fill", ["blur", "mean", "black"])
@pytest.mark.parametrize(("name", "n_cells", "patch"), [("cnn", 6, 2), ("vit", 4, 1), ("swin", 8, 3)])
def test_equals_captum(toy, film, name, n_cells, patch, fill):
    model, pixels, cell = toy(name), film[0, 0].numpy(), 48 // n_cells
    found = occlusion({"m": Network(model)}, pixels, n_cells, patch, fill, in_turn, ()).maps["m"]
    filled = film.new_tensor(filling(pixels, np.zeros((48, 48), int), fill))[None, None]
    window = {"sliding_window_shapes": (1, patch * cell, patch * cell), "strides": (1, cell, cell)}
    for k in range(5):
        expected = Occlusion(model).attribute(film, target=k, baselines=filled, **window)[0, 0].detach().numpy()
        by_pixel = np.kron(found[k], np.ones((cell, cell)))
        np.testing.assert_allclose(by_pixel, expected, atol=1e-5 * float(model(film).detach().abs().max()))


def test_a_patch_covers_its_cells_and_cells_may_be_of_unequal_size():
    patches = Patches(5, 2, 48)  # 9.6 pixels a cell
    seen = patches.draw(np.arange(16))
    assert patches.along == 4
    assert (seen[0, :19, :19] == 0).all()
    assert seen[0].sum() == 48**2 - 19**2
    assert (seen[-1, 29:, 29:] == 0).all()
    assert (seen.min(0) == 0).all(), "no pixel is never hidden"
    assert set(np.unique(seen)) == {0, 1}


def test_a_cell_is_the_mean_of_the_positions_that_cover_it():
    patches = Patches(4, 2, 48)
    lost = np.arange(9.0)[:, None] * [1, -1]
    found = patches.mean(lost)
    assert found.shape == (2, 4, 4)
    assert found[0, 0, 0] == 0
    assert found[0, 0, 1] == (0 + 1) / 2
    assert found[0, 1, 2] == (1 + 2 + 4 + 5) / 4
    assert found[0, 3, 3] == 8
    np.testing.assert_array_equal(found[1], -found[0])
