"""RISE against its closed forms: the paper's masks, its estimator, and a network that is linear in what is seen."""

import numpy as np
import pytest
import torch
from skimage.measure import block_reduce

from cxrkd.explain.explainer import Network
from cxrkd.explain.rise import RandomMasks, rise, slopes
from cxrkd.explain.segments import filling
from cxrkd.explain.steps import in_turn


@pytest.fixture
def pixels(film):
    return 0.1 + 0.8 * film[0, 0].numpy()


def test_a_mask_is_a_grid_of_coins_drawn_up_and_cut_as_in_the_paper():
    masks = RandomMasks(20, 5, 48, 0)
    found = masks.draw(np.arange(20))
    for i in range(0, 20, 2):
        coins = torch.from_numpy(masks._coins[i // 2])[None, None]
        cell = 10  # 48 pixels in 5 cells, rounded up
        drawn = torch.nn.functional.interpolate(coins, scale_factor=cell, mode="bilinear", align_corners=False)[0, 0]
        row, column = masks._rows[i // 2], masks._columns[i // 2]
        np.testing.assert_allclose(found[i], drawn[row : row + 48, column : column + 48], atol=1e-6)
        np.testing.assert_allclose(found[i + 1], 1 - found[i], atol=1e-6)
    assert len({(r, c) for r, c in zip(masks._rows, masks._columns, strict=True)}) > 5


def test_the_share_of_a_cell_that_is_seen_is_its_mean_over_pixels():
    masks = RandomMasks(11, 4, 48, 1)
    by_pixel = masks.draw(np.arange(11))
    expected = [block_reduce(one, (6, 6), np.mean) for one in by_pixel]
    np.testing.assert_allclose(masks.by_cell(), expected, atol=1e-6)


def test_the_map_is_the_papers_less_the_mean_logit_in_units_of_the_logit():
    """With every place seen in half of the masks: (S - mean f) E[M] / var M, where S = sum f M / (N E[M])."""
    masks = RandomMasks(64, 4, 32, 0).by_cell()
    logits = np.random.default_rng(0).normal(2, 1, (64, 3))
    published = np.einsum("nk,nhw->khw", logits, masks) / (64 * 0.5)
    expected = (published - logits.mean(0)[:, None, None]) * 0.5 / masks.var(0)
    np.testing.assert_allclose(slopes(masks, logits), expected, atol=1e-9)


def test_the_map_is_the_slope_of_a_regression_cell_by_cell():
    rng = np.random.default_rng(0)
    seen, logits = rng.random((40, 2, 3)), rng.normal(size=(40, 2))
    found = slopes(seen, logits)
    for k, row, column in np.ndindex(2, 2, 3):
        slope = np.polyfit(seen[:, row, column], logits[:, k], 1)[0]
        assert found[k, row, column] == pytest.approx(slope)


def test_a_network_that_is_linear_in_what_is_seen_by_hand(toy, pixels):
    """Its slope on a cell is that of the cell, and of others as far as they are seen together with it."""
    effects = np.random.default_rng(1).normal(size=(8, 8))
    filled = filling(pixels, np.zeros((48, 48), int), "black")

    def predict(x):
        seen = (x[:, 0] - filled) / (pixels - filled)
        by_cell = seen.reshape(-1, 8, 6, 8, 6).mean((2, 4))
        logit = (by_cell * effects).sum((1, 2)) - 3
        return np.stack([logit, -2 * logit, *[0 * logit] * 3], 1).astype(np.float32)

    found = rise({"m": Network(toy(), predict)}, pixels, 400, 4, "black", 0, in_turn, ())
    seen = RandomMasks(400, 4, 48, 0).by_cell().reshape(400, 64)
    covariance = np.cov(seen.T)
    expected = (covariance @ effects.ravel() / np.diag(covariance)).reshape(8, 8)
    np.testing.assert_allclose(found.maps["m"][0], expected, atol=1e-4)
    np.testing.assert_allclose(found.maps["m"][1], -2 * expected, atol=2e-4)
    np.testing.assert_allclose(found.maps["m"][2], 0, atol=1e-6)
    assert found.logits["m"][0] == pytest.approx(effects.sum() - 3, abs=1e-4)


def test_the_halves_are_of_masks_that_share_nothing_and_their_mean_is_near_the_map(toy, pixels):
    def predict(x):
        return np.stack([x[:, 0, :20, :20].mean((1, 2))] * 5, 1)

    found = rise({"m": Network(toy(), predict)}, pixels, 400, 4, "black", 0, in_turn, ())
    halves, whole = found.halves["m"], found.maps["m"]
    assert halves.shape == (2, 5, 8, 8)
    assert np.abs(halves[0] - halves[1]).max() > 1e-3
    np.testing.assert_allclose(halves.mean(0), whole, atol=0.05 * np.abs(whole).max())
    stability = found.figures("m", 0)["stability"]
    assert 0.5 < stability < 1
    assert found.settings() == {"n_masks": 400, "n_coins": 4, "fill": "black", "seed": 0}


def test_another_seed_is_other_masks():
    a, b, c = (RandomMasks(16, 4, 48, seed).by_cell() for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.5
