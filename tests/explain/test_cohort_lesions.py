"""Localisation over a cohort: a planted lesion is hit, and a prior gets what a prior can."""

import numpy as np
import pytest

from cxrkd.evaluate.means import mean_by_patient
from cxrkd.explain.cohort_lesions import CENTRE, LABEL_MEAN, OWN, cohort_lesions
from cxrkd.explain.lesion import lesion_hit

N, K, S = 40, 3, 56


@pytest.fixture
def places():
    """Top left corners of a lesion of label 1, on every film but each fourth."""
    rng = np.random.default_rng(0)
    return {n: rng.integers(0, S - 16, 2) for n in range(N) if n % 4}


@pytest.fixture
def masks(places):
    def of(n):
        marked = np.zeros((K, S, S), bool)
        if n in places:
            y, x = places[n]
            marked[1, y : y + 16, x : x + 16] = True
        return marked

    return of


def mean(found, name, figure):
    return mean_by_patient(found.figures[name][figure], found.films).value


def test_maps_that_are_the_lesions_hit_them_and_priors_do_not(masks):
    maps = np.stack([masks(n) for n in range(N)]).astype(np.float32)
    found = cohort_lesions(maps, np.arange(N), masks)
    assert list(found.films) == [n for n in range(N) if n % 4]
    assert set(found.labels) == {1}
    assert found.area == pytest.approx(256 / S**2)
    assert mean(found, OWN, "hit") == mean(found, OWN, "energy") == mean(found, OWN, "otsu_iou") == 1
    assert mean(found, LABEL_MEAN, "hit") < 0.4
    assert mean(found, CENTRE, "hit") < 0.4


def test_one_place_for_all_films_is_no_better_than_the_mean_map(masks):
    blind = np.zeros((N, K, 7, 7))
    blind[:, :, 2, 4] = 1
    found = cohort_lesions(blind, np.arange(N), masks)
    for figure in ("hit", "energy", "iou", "otsu_iou"):
        np.testing.assert_array_equal(found.figures[OWN][figure], found.figures[LABEL_MEAN][figure])


def test_random_maps_hit_as_often_as_the_area_says():
    rng, half = np.random.default_rng(1), np.zeros((1, 28, 28), bool)
    half[:, :14] = True
    found = cohort_lesions(rng.normal(size=(400, 1, 7, 7)), np.arange(400), lambda n: half)
    assert mean(found, OWN, "hit") == pytest.approx(0.5, abs=0.08)


def test_nothing_marked_is_an_empty_table():
    found = cohort_lesions(np.ones((3, K, 7, 7)), np.arange(3), lambda n: np.zeros((K, S, S), bool))
    assert len(found.films) == len(found.area) == len(found.figures[OWN]["hit"]) == 0


def test_each_row_is_the_figure_of_one_film(masks):
    maps = np.random.default_rng(2).normal(size=(N, K, 7, 7))
    found = cohort_lesions(maps, np.arange(N), masks)
    n = int(found.films[5])
    one = lesion_hit(maps[n, 1], masks(n)[1])
    assert [found.figures[OWN][name][5] for name in ("hit", "energy", "iou", "otsu_iou")] == [
        one.hit,
        one.energy,
        one.iou,
        one.otsu_iou,
    ]
