import json

import numpy as np
import pytest

from cxrkd.explain.lesion import lesion_hit


@pytest.fixture
def mask():
    found = np.zeros((64, 64), bool)
    found[16:24, 40:48] = True
    return found


def cell(row, column, value=1.0):
    heat = np.zeros((8, 8), np.float32)
    heat[row, column] = value
    return heat


def test_a_uniform_map_has_the_area_share_of_energy(mask):
    found = lesion_hit(np.ones((7, 7)), mask)
    assert found.area == pytest.approx(64 / 4096)
    assert found.energy == pytest.approx(found.area)
    assert found.energy_gain == pytest.approx(1)


def test_the_lesion_itself_is_perfect(mask):
    found = lesion_hit(mask.astype(np.float32), mask)
    assert (found.hit, found.energy, found.iou) == (True, 1, 1)


def test_a_coarse_map_on_and_off_the_lesion(mask):
    on, off = lesion_hit(cell(2, 5), mask), lesion_hit(cell(6, 1), mask)
    assert on.hit
    assert on.energy > 20 * on.area
    assert on.iou > 0.6
    assert (off.hit, off.energy, off.iou) == (False, 0, 0)


def test_negative_evidence_does_not_count(mask):
    found = lesion_hit(cell(2, 5) - 5 * cell(6, 1), mask)
    assert found.energy == pytest.approx(lesion_hit(cell(2, 5), mask).energy)


def test_without_positive_evidence_nothing_is_hit(mask):
    found = lesion_hit(-np.ones((7, 7)), mask)
    assert (found.hit, found.iou) == (False, 0)
    assert np.isnan(found.energy)


def test_random_maps_hit_as_often_as_the_area_says():
    rng, half = np.random.default_rng(0), np.zeros((28, 28), bool)
    half[:14] = True
    found = [lesion_hit(rng.normal(size=(7, 7)), half) for _ in range(400)]
    assert np.mean([f.hit for f in found]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([f.iou for f in found]) == pytest.approx(1 / 3, abs=0.03)


def test_an_absent_lesion_is_refused_and_figures_are_json(mask):
    assert json.loads(json.dumps(lesion_hit(cell(2, 5), mask).to_dict()))["hit"] is True
    with pytest.raises(ValueError, match="at least one pixel"):
        lesion_hit(cell(2, 5), mask & False)
