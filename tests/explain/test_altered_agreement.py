"""Agreement of maps that random students and noisy films are too dear for."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from cxrkd.explain.altered import AlteredMaps
from cxrkd.explain.altered_agreement import judge, moved
from cxrkd.explain.baselines import NO_MAPS
from cxrkd.explain.similarity import MEASURES, area_resample, similarity
from cxrkd.explain.yardsticks import Baselines, Reference

LOGITS = dict.fromkeys("ts", np.zeros(2, np.float32))


def lines(reference=None):
    return Baselines(NO_MAPS, NO_MAPS, reference)


def smooth(rng, *shape):
    """Random maps with neighbours alike."""
    return area_resample(rng.normal(size=(*shape, 4, 4)), (8, 8))


def test_without_chance_in_the_maps_it_is_their_rank_correlation_and_no_ceiling_is_known():
    rng = np.random.default_rng(0)
    maps = AlteredMaps(LOGITS, {"t": rng.normal(size=(2, 8, 8)), "s": rng.normal(size=(2, 4, 4))})
    found = judge(maps, "t", "s", 1, lines())
    coarse = area_resample(maps.maps["t"], (4, 4))
    assert found.spearman == pytest.approx(spearmanr(coarse[1].ravel(), maps.maps["s"][1].ravel()).statistic)
    assert found.other_labels_spearman == pytest.approx(
        spearmanr(coarse[1].ravel(), maps.maps["s"][0].ravel()).statistic
    )
    assert np.isnan(found.ceiling_spearman)
    assert found.ceiling_title == "not measured"


def test_halves_step_up_to_the_whole_and_equal_models_reach_the_ceiling():
    rng = np.random.default_rng(0)
    true = smooth(rng, 200, 2)
    draw = [true + 0.7 * smooth(rng, 200, 2) for _ in range(4)]
    found = []
    for i in range(200):
        halves = {"t": np.stack([draw[0][i], draw[1][i]]), "s": np.stack([draw[2][i], draw[3][i]])}
        maps = {name: own.mean(0) for name, own in halves.items()}
        found.append(judge(AlteredMaps(LOGITS, maps, halves=halves), "t", "s", 0, lines()))
    known = [one for one in found if not np.isnan(one.ceiling_spearman)]
    assert len(known) > 180
    assert np.mean([one.spearman for one in known]) == pytest.approx(
        np.mean([one.ceiling_spearman for one in known]), abs=0.03
    )
    assert found[0].ceiling_title == "equal models, other masks"


def test_masks_that_are_shared_do_not_make_unrelated_models_agree():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        shared = smooth(rng, 2, 2)  # the same error in both models' maps of each half
        halves = {name: smooth(rng, 2)[None] + shared for name in "ts"}
        maps = {name: own.mean(0) for name, own in halves.items()}
        found.append(judge(AlteredMaps(LOGITS, maps, halves=halves), "t", "s", 0, lines()))
    assert abs(np.mean([one.spearman for one in found])) < 0.1
    assert np.mean([one.above_chance is not False for one in found]) < 0.15


def test_other_figures_of_halves_are_crossed_too_and_equal_models_reach_their_ceiling():
    rng = np.random.default_rng(0)
    true = smooth(rng, 100, 2)
    draw = [true + 0.7 * smooth(rng, 100, 2) for _ in range(4)]
    found = []
    for i in range(100):
        halves = {"t": np.stack([draw[0][i], draw[1][i]]), "s": np.stack([draw[2][i], draw[3][i]])}
        maps = {name: own.mean(0) for name, own in halves.items()}
        found.append(judge(AlteredMaps(LOGITS, maps, halves=halves), "t", "s", 0, lines()))
    for name in MEASURES:
        values = np.array([getattr(one, name) for one in found])
        ceilings = np.array([one.beside[name].ceiling for one in found])
        assert values.mean() == pytest.approx(ceilings.mean(), abs=0.25 * values.std()), name
        passed = [
            v < one.beside[name].hardest if one.beside[name].less else v > one.beside[name].hardest
            for v, one in zip(values, found, strict=True)
        ]
        assert np.mean(passed) > 0.15, name


def test_masks_that_are_shared_lift_no_figure_of_unrelated_models():
    """Of the maps as they are drawn they would: the error that both share is half of each."""
    rng = np.random.default_rng(0)
    crossed, drawn = ({name: [] for name in MEASURES} for _ in range(2))
    for _ in range(100):
        shared = smooth(rng, 2, 2)
        halves = {name: smooth(rng, 2)[None] + shared for name in "ts"}
        maps = {name: own.mean(0) for name, own in halves.items()}
        one = judge(AlteredMaps(LOGITS, maps, halves=halves), "t", "s", 0, lines())
        same = similarity(maps["t"][0], maps["s"][0])
        for name, held in one.beside.items():
            for values, value in ((crossed, getattr(one, name)), (drawn, getattr(same, name))):
                values[name].append(value < held.hardest if held.less else value > held.hardest)
    for name in MEASURES:
        assert np.mean(crossed[name]) < 0.2, name
        assert np.mean(crossed[name]) < np.mean(drawn[name]), name


def test_without_chance_in_the_maps_figures_are_those_of_the_maps_and_no_ceiling_is_known():
    rng = np.random.default_rng(0)
    maps = AlteredMaps(LOGITS, {"t": rng.normal(size=(2, 8, 8)), "s": rng.normal(size=(2, 4, 4))})
    found = judge(maps, "t", "s", 1, lines())
    expected = similarity(maps.maps["t"][1], maps.maps["s"][1])
    for name in MEASURES:
        assert getattr(found, name) == pytest.approx(getattr(expected, name))
        assert np.isnan(found.beside[name].ceiling)
        assert found.beside[name].lines[-1].missing == ""


def test_a_map_is_moved_by_a_quarter_of_a_side_or_more_and_keeps_its_values():
    one = np.arange(64.0).reshape(8, 8)
    shifted = moved(one)
    assert shifted.shape == (64 - 9, 8, 8), "all shifts but those of less than two cells along both sides"
    assert (np.sort(shifted.reshape(len(shifted), -1)) == np.arange(64)).all()
    assert len(np.unique(shifted[:, 0, 0])) == len(shifted)
    assert moved(np.zeros((2, 40, 40))).shape[1] < 16**2
    assert moved(np.ones((1, 1))).shape == (0, 1, 1)


def test_two_maps_of_one_place_exceed_moved_ones_and_a_map_of_the_anatomy_does_not():
    rng = np.random.default_rng(1)
    place = smooth(rng, 2)
    maps = AlteredMaps(LOGITS, {"t": place, "s": place + 0.3 * smooth(rng, 2)})
    other = Reference(smooth(rng, 24, 2), smooth(rng, 12, 2), np.ones(2))
    assert judge(maps, "t", "s", 0, lines(other)).above_chance is True
    always = Reference(np.stack([place] * 24), np.stack([place] * 12), np.ones(2))
    found = judge(maps, "t", "s", 0, lines(always))
    assert found.above_chance is False
    assert "the student" in found.verdict
    assert judge(maps, "t", "s", 0, lines()).above_chance is None, "no maps of other films are kept"


def test_a_map_that_is_flat_or_of_one_cell_has_no_verdict():
    flat = AlteredMaps(LOGITS, {"t": np.zeros((2, 4, 4)), "s": np.ones((2, 4, 4))})
    assert judge(flat, "t", "s", 0, lines()).above_chance is None
    single = AlteredMaps(LOGITS, {"t": np.ones((2, 1, 1)), "s": np.ones((2, 1, 1))})
    found = judge(single, "t", "s", 0, lines())
    assert np.isnan(found.spearman)
    assert found.lines[0].missing
