import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from cxrkd.explain.similarity import area_resample, common_grid, peak_distance, similarity, spearman, topk_iou


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_map_with_itself_is_one(rng):
    a = rng.normal(size=(7, 7))
    same = similarity(a, a)
    assert (same.spearman, same.topk_iou, same.peak_distance) == (pytest.approx(1), 1, 0)
    assert same.cosine == pytest.approx(1)
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
    a, b = np.zeros((2, 4, 4))
    a[0, 0] = b[3, 3] = 1
    assert peak_distance(a, b) == pytest.approx(75)
    assert peak_distance(a, a.T) == 0


def test_constant_maps_are_undefined_not_perfect(rng):
    flat = similarity(np.zeros((7, 7)), rng.normal(size=(7, 7)))
    assert np.isnan([flat.spearman, flat.cosine, flat.topk_iou, flat.peak_distance]).all()


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
