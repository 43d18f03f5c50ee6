"""Deletion and insertion against a linear network, of which all curves are known, and against chance."""

import numpy as np
import pytest

from cxrkd.explain.explainer import Network
from cxrkd.explain.faithful import CENTRE, LABEL_MEAN, RANDOM, area, faithfulness, figure_of, n_films
from cxrkd.explain.removal import blurred, hidden_cells, pixels_of, ranked_cells
from cxrkd.explain.segments import filling
from cxrkd.explain.steps import in_turn

SIDE, GRID, K = 28, (7, 7), 3


class Linear:
    """Logits that are weighted sums of pixels."""

    labels, training = tuple("abc"), False

    def __init__(self, seed=0):
        self.weights = np.random.default_rng(seed).normal(size=(K, SIDE, SIDE))
        self.asked = 0

    def __call__(self, x):
        self.asked += len(x)
        return np.einsum("bhw,khw->bk", x[:, 0].astype(np.float64), self.weights)


@pytest.fixture
def film():
    return np.random.default_rng(1).random((SIDE, SIDE)).astype(np.float32)


@pytest.fixture
def linear():
    return Linear()


def in_cells(pixels):
    return pixels.reshape(*pixels.shape[:-2], 7, 4, 7, 4).sum((-3, -1))


def truth_of(linear, film):
    """What each cell gives to each logit, beside its blur: what a true map is."""
    return in_cells(linear.weights * (film - filling(film, np.zeros(film.shape, int), "blur")))


def measured(linear, film, maps, means=None, labels=(0, 1, 2), **more):
    network = {"n": Network(linear, linear)}
    kept = {} if means is None else {"n": means}
    return faithfulness(network, film, {"n": maps}, kept, labels, blurred(film), in_turn, ("key",), **more)["n"]


def test_curves_of_a_linear_network_are_sums_over_what_is_seen(linear, film):
    truth, maps = truth_of(linear, film), np.random.default_rng(2).normal(size=(K, *GRID))
    whole = np.einsum("hw,khw->k", film.astype(np.float64), linear.weights)
    for k, one in measured(linear, film, maps).items():
        order = np.argsort(-maps[k].reshape(-1))
        gone = np.cumsum(truth[k].reshape(-1)[order])
        deletion = whole[k] - np.array([0, *(gone[7 * j - 1] for j in range(1, 8))])
        np.testing.assert_allclose(one.own.deletion, deletion, atol=1e-4)
        come = np.cumsum(truth[k].reshape(-1)[order])
        insertion = whole[k] - truth[k].sum() + np.array([0, *(come[7 * j - 1] for j in range(1, 8))])
        np.testing.assert_allclose(one.own.insertion, insertion, atol=1e-4)
        assert figure_of(one.own, "deletion") == pytest.approx(np.trapezoid(deletion, dx=1 / 7), abs=1e-4)
        road = figure_of(one.own, "road")
        assert road == pytest.approx((insertion[::-1][1:-1] - deletion[1:-1]).mean() / 2, abs=1e-4)


def test_the_true_map_is_above_every_line_and_its_opposite_is_not(linear, film):
    truth, others = truth_of(linear, film), np.random.default_rng(3).normal(size=(K, *GRID))
    for one in measured(linear, film, truth, others).values():
        for figure in ("deletion", "insertion", "gain", "road"):
            held = one.held(figure)
            assert held.above_chance is True
            assert held.verdict == "better than chance"
            assert [line.name for line in held.lines] == [RANDOM, LABEL_MEAN, CENTRE]
            assert (held.value < held.hardest.high) is (figure == "deletion")
    for one in measured(linear, film, -truth, others).values():
        assert [one.held(figure).above_chance for figure in ("deletion", "insertion", "gain", "road")] == [False] * 4


def test_random_rankings_gain_nothing(linear, film):
    one = measured(linear, film, truth_of(linear, film))[0]
    gains = [figure_of(draw, "gain") for draw in one.rivals[RANDOM]]
    assert len(gains) == 8
    assert np.mean(gains) == pytest.approx(0, abs=1e-6)
    assert np.ptp(gains) > 0
    line = one.held("gain").lines[0]
    assert (line.mean, line.high) == (pytest.approx(0, abs=1e-6), max(gains))


def test_what_has_not_seen_the_film_is_not_above_chance(linear, film):
    """A map that is the label's mean map, whatever the film, and a random one."""
    blind = np.random.default_rng(4).normal(size=(K, *GRID))
    assert [one.held("gain").above_chance for one in measured(linear, film, blind, blind).values()] == [False] * K
    above = [
        one.held("gain").above_chance
        for seed in range(12)
        for one in measured(linear, film, np.random.default_rng(seed).normal(size=(K, *GRID)), blind).values()
    ]
    assert sum(above) <= 0.2 * len(above)


def test_without_maps_of_other_films_it_cannot_be_known(linear, film):
    held = measured(linear, film, truth_of(linear, film))[0].held("gain")
    assert held.above_chance is None
    assert held.lines[1].missing
    assert held.verdict == "better than the chance lines that are known"


def test_a_flat_map_ranks_nothing(linear, film):
    held = measured(linear, film, np.zeros((K, *GRID)))[1].held("deletion")
    assert np.isnan(held.value)
    assert held.above_chance is None
    assert held.to_dict()["value"] is None


def test_a_map_of_one_cell_ranks_nothing_and_nothing_is_hidden_on_the_way(linear, film):
    for one in measured(linear, film, np.ones((K, 1, 1))).values():
        assert one.own is None
        np.testing.assert_allclose(one.rivals[CENTRE][0].morf, [one.rivals[CENTRE][0].film] * 6)
    assert not hidden_cells(np.array([[0]]), 7).any()


@pytest.mark.parametrize("labels", [(0,), (0, 2)])
def test_a_film_costs_what_it_is_said_to(linear, film, labels):
    truth = truth_of(linear, film)
    all_labels = measured(linear, film, truth, truth)
    linear.asked = 0
    some = measured(linear, film, truth, truth, labels)
    assert linear.asked == n_films(n_labels=len(labels))
    for k in labels:
        np.testing.assert_allclose(some[k].own.deletion, all_labels[k].own.deletion, atol=1e-6)


def test_another_label_asks_only_for_its_own_rankings(linear, film):
    kept = {}

    def keeping(steps):
        missing = [step for step in steps if step.key not in kept]
        kept.update(zip([step.key for step in missing], in_turn(missing), strict=True))
        return [kept[step.key] for step in steps]

    truth, network = truth_of(linear, film), {"n": Network(linear, linear)}
    asked = []
    for k in (0, 1):
        linear.asked = 0
        faithfulness(network, film, {"n": truth}, {"n": truth}, [k], blurred(film), keeping, ("key",))
        asked.append(linear.asked)
    assert asked == [n_films(), 1 + 4 * 6]


def test_cells_of_equal_evidence_are_ranked_by_lot():
    order = ranked_cells(np.zeros((10, 10)), (10, 10))
    assert sorted(order) == list(range(100))
    assert abs(np.corrcoef(order, np.arange(100))[0, 1]) < 0.3
    np.testing.assert_array_equal(ranked_cells(np.eye(2), (2, 2))[:2] % 3, [0, 0])


def test_a_finer_map_is_averaged_and_pixels_are_those_of_the_cells():
    heat = np.kron(np.arange(4.0).reshape(2, 2), np.ones((16, 16)))
    np.testing.assert_array_equal(ranked_cells(heat, (2, 2)), [3, 2, 1, 0])
    hidden = hidden_cells(np.array([[3, 2, 1, 0]]), 4)[0]
    np.testing.assert_array_equal(hidden, [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]])
    pixels = pixels_of(hidden[:1], (2, 2), 6)[0]
    assert pixels[3:, 3:].all()
    assert pixels.sum() == 9


def test_an_area_is_a_mean_of_a_curve():
    assert area(np.array([2.0, 2.0, 2.0])) == 2
