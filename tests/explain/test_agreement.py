import json

import numpy as np
import pytest

from cxrkd.explain import Baselines, LimeResult, agreement, baselines, grad_cam, lime_agreement


@pytest.fixture
def lines():
    """Lines of independent maps: chance at zero, a ceiling of one."""
    rng = np.random.default_rng(1)
    return Baselines(noisy_teacher=np.zeros((2, 5, 7, 7)), random_student=rng.normal(size=(40, 5, 7, 7)))


def test_a_teacher_with_itself_is_one_and_above_chance(lines):
    cams = np.random.default_rng(0).normal(size=(5, 7, 7))
    own = agreement(cams, cams, 2, lines)
    assert own.spearman == pytest.approx(1)
    assert own.cosine == pytest.approx(1)
    assert own.topk_iou == 1
    assert own.peak_distance == 0
    assert own.above_chance


def test_independent_maps_stay_at_the_chance_line(lines):
    rng = np.random.default_rng(2)
    pairs = [agreement(*rng.normal(size=(2, 5, 7, 7)), 0, lines) for _ in range(100)]
    assert abs(np.mean([p.spearman for p in pairs])) < 0.05
    assert abs(np.mean([p.chance_spearman for p in pairs])) < 0.05
    # The 95th percentile of independent maps is passed by one in twenty.
    assert np.mean([p.above_chance for p in pairs]) < 0.15


def test_each_line_is_the_mean_over_its_own_maps():
    rng = np.random.default_rng(3)
    cams_t, cams_s = rng.normal(size=(2, 3, 7, 7))
    lines = Baselines(np.stack([cams_t, -cams_t, cams_t]), np.stack([cams_s * 0 + cams_t[1]]))
    found = agreement(cams_t, np.stack([cams_t[0], cams_t[1], -cams_t[1]]), 1, lines)
    assert found.ceiling_spearman == pytest.approx(1 / 3)
    assert found.ceiling_topk_iou == pytest.approx(2 / 3)
    assert found.chance_spearman == pytest.approx(1)
    assert found.chance_topk_iou == 1
    assert not found.above_chance, "equal to chance is not above it"
    cross = agreement(cams_t, cams_t, 1, lines).other_labels_spearman
    expected = np.mean([agreement(cams_t[[1, j]], cams_t[[j, 1]], 0, lines).spearman for j in (0, 2)])
    assert cross == pytest.approx(expected)


def test_a_map_of_the_image_centre_is_seen_by_the_centre_prior(lines):
    y, x = np.mgrid[:7, :7] - 3
    cams = np.stack([-np.hypot(y, x), x.astype(float)])
    assert agreement(cams, cams, 0, lines).centre_spearman > 0.95
    assert abs(agreement(cams, cams, 1, lines).centre_spearman) < 0.05


def test_grids_may_differ_and_constant_maps_are_undefined(lines):
    rng = np.random.default_rng(4)
    coarse = rng.normal(size=(5, 7, 7))
    assert agreement(np.kron(coarse, np.ones((2, 2))), coarse, 0, lines).spearman == pytest.approx(1)
    flat = agreement(coarse * 0, coarse, 0, lines)
    assert np.isnan(flat.spearman)
    assert not flat.above_chance


def test_networks_end_to_end(toy, film):
    teacher, student = toy("cnn"), toy("cnn", seed=7)
    lines = baselines(teacher, student, film, n_random=4)
    own = agreement(grad_cam(teacher, film).cams, grad_cam(teacher, film).cams, 0, lines)
    assert own.ceiling_spearman > 0.8
    assert own.chance_spearman < own.ceiling_spearman
    assert json.loads(json.dumps(own.to_dict()))["above_chance"] is True


def lime_result(weights_t, weights_s, stability):
    halves = {n: np.full(len(weights_t), v, np.float32) for n, v in zip("ts", stability, strict=True)}
    none = {"t": np.zeros(len(weights_t)), "s": np.zeros(len(weights_s))}
    segments = np.zeros((4, 4), np.int32)
    return LimeResult(segments, {"t": weights_t, "s": weights_s}, none, none, halves, none, 100, "blur", "logit", 0)


def test_lime_weights_that_are_equal_agree_up_to_their_own_noise():
    weights = np.random.default_rng(0).normal(size=(3, 30))
    found = lime_agreement(lime_result(weights, weights, (1.0, 0.5)), "t", "s", 1)
    assert found.spearman == pytest.approx(1)
    assert found.top_overlap == 1
    assert found.sign == 1
    assert found.chance_top_overlap == pytest.approx(6 / 30)
    assert found.ceiling_spearman == pytest.approx(np.sqrt(2 / 3))
    assert abs(found.other_labels_spearman) < 0.5


def test_lime_weights_by_hand():
    weights_t = np.array([[3.0, 2.0, 1.0, -1.0, -2.0, -3.0]])
    weights_s = np.array([[3.0, -1.0, 1.0, 2.0, -2.0, -3.0]])
    found = lime_agreement(lime_result(weights_t, weights_s, (-0.1, 0.9)), "t", "s", 0, n_top=2)
    assert found.top_overlap == 0.5
    assert found.sign == pytest.approx(4 / 6)
    assert np.isnan(found.ceiling_spearman), "weights that do not repeat have no ceiling"
    assert np.isnan(found.other_labels_spearman), "one label has no others"


def test_lime_without_positive_evidence_has_no_overlap():
    weights = -np.ones((1, 10)) - np.arange(10)
    assert np.isnan(lime_agreement(lime_result(weights, weights, (1, 1)), "t", "s", 0).top_overlap)
