import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch.nn.functional import interpolate

from cxrkd.explain.similarity import (
    MEASURES,
    area_resample,
    centre_distance,
    common_grid,
    peak_distance,
    similarity,
    spearman,
    ssim,
    topk_iou,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_map_with_itself_is_one(rng):
    a = rng.normal(size=(7, 7))
    same = similarity(a, a)
    assert (same.spearman, same.topk_iou, same.peak_distance) == (pytest.approx(1), 1, 0)
    assert (same.cosine, same.ssim) == (pytest.approx(1), pytest.approx(1))
    assert same.centre_distance == 0
    opposite = similarity(a, -a)
    assert (opposite.spearman, opposite.cosine) == (pytest.approx(-1), pytest.approx(-1))
    assert opposite.topk_iou == 0


def test_scale_and_for_ranks_shift_do_not_matter(rng):
    a, b = rng.normal(size=(2, 7, 7))
    assert similarity(a, 40 * b).cosine == pytest.approx(similarity(a, b).cosine)
    assert similarity(a, np.exp(b)).spearman == pytest.approx(similarity(a, b).spearman)


def test_independent_maps_are_near_zero_and_near_the_random_overlap(rng):
    pairs = [similarity(*rng.normal(size=(2, 7, 7))) for _ in range(400)]
    assert abs(np.mean([p.spearman for p in pairs])) < 0.03
    assert abs(np.mean([p.cosine for p in pairs])) < 0.03
    # Two random sets of 10 of 49 cells share 10 * 10 / 49 cells: IoU about 2.04 / 17.96.
    assert np.mean([p.topk_iou for p in pairs]) == pytest.approx(0.114, abs=0.02)


def test_spearman_equals_scipy_with_ties(rng):
    a, b = rng.integers(0, 6, size=(2, 30, 49)).astype(float)
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(spearman(a, b), expected, atol=1e-12)


def test_topk_iou_by_hand():
    a = np.array([9.0, 8, 7, 0, 0, 0, 0, 0, 0, 1])
    b = np.array([9.0, 0, 7, 8, 0, 0, 0, 0, 0, 1])
    assert topk_iou(a, b, 0.3) == pytest.approx(2 / 4)
    assert topk_iou(a, b, 0.1) == 1
    assert topk_iou(a, b, 0.2) == pytest.approx(1 / 3)


def test_peak_distance_by_hand():
    a, b = np.zeros((2, 1, 4, 4))
    a[0, 0, 0] = b[0, 3, 3] = 1
    assert peak_distance(a, b) == pytest.approx(75)
    assert peak_distance(a, a.swapaxes(1, 2)) == 0


def test_centre_distance_by_hand():
    a, b = np.zeros((2, 1, 4, 4))
    a[0, 0, 0] = b[0, 3, 3] = b[0, 0, 0] = 2
    b[0, 1, 1] = -9  # what speaks against the label has no mass
    assert centre_distance(a, b) == pytest.approx(37.5), "from the first cell to the middle of both"
    assert np.isnan(centre_distance(a, -a)), "nothing is positive"


@pytest.mark.parametrize(("shape", "window"), [((7, 7), 3), ((14, 14), 7), ((28, 28), 13), ((4, 4), 3), ((9, 7), 3)])
def test_ssim_is_scikit_images(rng, shape, window):
    a, b = rng.normal(size=(2, 6, *shape))
    expected = [
        structural_similarity(x / np.abs(x).max(), y / np.abs(y).max(), win_size=window, data_range=2)
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(ssim(a, b), expected, atol=1e-9)


def test_over_a_window_of_a_whole_map_ssim_would_be_a_correlation(rng):
    """Two maps of equal means and variances: S is their correlation, up to its constants."""
    a, b = (x - x.mean() for x in rng.normal(size=(2, 7, 7)))
    a, b = a / a.std() / 4, b / b.std() / 4
    whole = structural_similarity(a, b, win_size=7, data_range=2)
    assert whole == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=0.05)


def test_ssim_of_too_few_cells_or_a_flat_map_is_undefined(rng):
    a = rng.normal(size=(1, 2, 2))
    assert np.isnan(ssim(a, a)).all()
    assert np.isnan(ssim(np.ones((1, 7, 7)), rng.normal(size=(1, 7, 7)))).all()


@pytest.mark.parametrize("name", MEASURES)
def test_no_figure_hangs_on_the_units_of_a_network(rng, name):
    a, b = rng.normal(size=(2, 3, 7, 7))
    np.testing.assert_allclose(MEASURES[name].of(a, 40 * b), MEASURES[name].of(a, b), atol=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_a_map_is_nearer_to_itself_under_noise_than_to_another(rng, name):
    a, b, noise = rng.normal(size=(3, 40, 7, 7))
    near, far = (MEASURES[name].of(a, other).mean() for other in (a + 0.3 * noise, b))
    assert near < far if MEASURES[name].less else near > far


def test_constant_maps_are_undefined_not_perfect(rng):
    flat = similarity(np.zeros((7, 7)), rng.normal(size=(7, 7)))
    assert np.isnan(list(vars(flat).values())).all()


def test_area_resample_equals_torch_where_grids_divide(rng):
    a = rng.normal(size=(3, 14, 14))
    expected = interpolate(torch.from_numpy(a)[None], size=(7, 7), mode="area")[0]
    np.testing.assert_allclose(area_resample(a, (7, 7)), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(7, 7), (8, 5), (1, 1), (14, 12)])
def test_area_resample_keeps_the_mean(rng, shape):
    a = rng.normal(size=(14, 12))
    assert area_resample(a, shape).mean() == pytest.approx(a.mean())


def test_the_finer_map_comes_to_the_coarser(rng):
    fine, coarse = rng.normal(size=(14, 14)), rng.normal(size=(7, 7))
    for a, b in (common_grid(fine, coarse), common_grid(coarse, fine)):
        assert a.shape == b.shape == (7, 7)
    assert similarity(np.kron(coarse, np.ones((2, 2))), coarse).spearman == pytest.approx(1)
