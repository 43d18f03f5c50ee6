"""The sum of parts against its closed forms, captum, and the sum that it promises."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, ShapleyValues
from scipy.ndimage import label

from cxrkd.explain.cam import grad_cam
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.explainers.parts import PartsSettings
from cxrkd.explain.parts import grouped, neighbours, sum_of_parts
from cxrkd.explain.segments import filling, superpixels
from cxrkd.explain.shapley import additivity, coalitions, shapley_values
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import in_turn
from cxrkd.explain.zones import zone
from cxrkd.models.zoo import build


@pytest.fixture
def pixels(film):
    return film[0, 0].numpy()


def explained(network, pixels, n_segments=16, n_parts=5, fill="blur"):
    return sum_of_parts({"m": network}, pixels, n_segments, n_parts, fill, in_turn, ())


def quadrants(n=48):
    half = np.arange(n) >= n // 2
    return half[:, None] * 2 + half[None]


@pytest.mark.parametrize("name", ["cnn", "linear_head", "swin", "vit"])
@pytest.mark.parametrize("fill", ["blur", "black"])
def test_the_parts_add_up_to_the_logit_of_every_label(toy, film, pixels, name, fill):
    model = toy(name)
    found = explained(Network(model), pixels, fill=fill)
    filled = torch.from_numpy(filling(pixels, superpixels(pixels, 16), fill))[None, None]
    whole, empty = (model(x)[0].detach().numpy() for x in (film, filled))
    np.testing.assert_allclose(found.baseline["m"], empty, atol=1e-5)
    np.testing.assert_allclose(found.scores["m"].sum(1), whole - empty, atol=1e-5)
    assert np.abs(whole - empty).max() > 1e-3, "nothing to explain"
    for k in range(5):
        figures = found.figures("m", k)
        assert sum(part["score"] for part in figures["parts"]) + figures["baseline"] == pytest.approx(
            whole[k], abs=1e-5
        )
        assert sum(part["area"] for part in figures["parts"]) == pytest.approx(1)
        assert found.heat("m", k).mean() == pytest.approx((whole - empty)[k], abs=1e-5)


@pytest.mark.parametrize("grid", [(7, 7), (4, 5), (1, 1)])
def test_a_map_adds_up_on_every_grid(toy, pixels, grid):
    found = explained(Network(toy()), pixels)
    coarse = area_resample(found.maps["m"], grid)
    np.testing.assert_allclose(coarse.mean((1, 2)), found.logits["m"] - found.baseline["m"], atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
def test_scores_equal_captums_shapley_values_and_their_ends_its_ablation(toy, film, pixels, name):
    """Captum walks through all 24 orders of four parts; of a part, first and last of its additions are ablations."""
    model = toy(name)
    found = explained(Network(model), pixels, n_parts=4)
    parts = torch.from_numpy(found.parts["m"]).long()[None, None]
    assert parts.max() == 3
    filled = torch.from_numpy(filling(pixels, superpixels(pixels, 16), "blur"))[None, None]
    at = [tuple(np.argwhere(found.parts["m"] == i)[0]) for i in range(4)]
    for k in (0, 3):
        wanted = {"target": k, "baselines": filled, "feature_mask": parts}
        shapley = ShapleyValues(model).attribute(film, **wanted)[0, 0].detach().numpy()
        np.testing.assert_allclose(found.scores["m"][k], [shapley[one] for one in at], atol=1e-5)
        added = FeatureAblation(model).attribute(filled, **(wanted | {"baselines": film}))[0, 0].detach().numpy()
        np.testing.assert_allclose(found.alone["m"][k], [-added[one] for one in at], atol=1e-5)


def test_an_additive_network_is_recovered_exactly(toy, pixels):
    """Its logits are a sum over pixels of what is seen of each quarter: a part has what it holds of the quarters."""
    pixels, quarter = 0.1 + 0.8 * pixels, quadrants()
    effects = np.array([[4.0, -2, 0.5, 0], [0, 0, 3, -1], [1, 1, 1, 1], [-1, 2, -3, 4], [0, 0, 0, 0]])

    def predict(x):
        seen = np.stack([np.isclose(x[:, 0, quarter == q], pixels[quarter == q], atol=1e-6).mean(1) for q in range(4)])
        return (effects @ seen - 2).T.astype(np.float32)

    found = explained(Network(toy(), predict), pixels, n_segments=36, n_parts=4, fill="black")
    for i in range(4):
        held = np.array([(found.parts["m"] == i)[quarter == q].mean() for q in range(4)])
        np.testing.assert_allclose(found.scores["m"][:, i], effects @ held, atol=1e-5)
        np.testing.assert_allclose(found.alone["m"][:, i], effects @ held, atol=1e-5)
    np.testing.assert_allclose(found.baseline["m"], -2, atol=1e-6)
    np.testing.assert_allclose(found.additivity["m"][:4], 1, atol=1e-6)
    assert np.isnan(found.additivity["m"][4]), "nothing matters to it"
    scores = [part.score for part in found.parts_of("m", 0)]
    assert scores == sorted(scores, key=abs, reverse=True)
    assert scores[0] > 2, "the quarter that speaks most is mostly one part"


def test_what_counts_only_together_is_shared_and_not_additive():
    """v(S) = 1 for S that holds both of two players: half each, nothing alone, and the best sum leaves a quarter."""
    worth = coalitions(3)[:, [0, 1]].all(1, keepdims=True).astype(float)
    np.testing.assert_allclose(shapley_values(worth)[:, 0], [0.5, 0.5, 0], atol=1e-12)
    seen = np.c_[coalitions(3), np.ones(8)]
    fitted = seen @ np.linalg.lstsq(seen, worth, rcond=None)[0]
    assert additivity(worth)[0] == pytest.approx(1 - ((worth - fitted) ** 2).sum() / worth.var() / 8)
    assert additivity(worth)[0] == pytest.approx(2 / 3)


def test_values_follow_the_worth_of_all_whatever_the_game():
    worth = np.random.default_rng(0).normal(size=(2**7, 4))
    np.testing.assert_allclose(shapley_values(worth).sum(0), worth[-1] - worth[0], atol=1e-12)
    assert (additivity(worth) < 0.5).all(), "noise is no sum"


@pytest.mark.parametrize("arch", ["eeea_net_c2", "vit_small_patch16_224", "efficientnet_lite0+efficientnet_lite1"])
def test_the_sum_holds_for_real_networks_one_and_joined(arch):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(arch, ("Mass", "Effusion", "Hernia"), 64).eval()
    pixels = torch.rand(64, 64, generator=torch.Generator().manual_seed(2)).numpy()
    found = explained(Network(model), pixels, n_segments=6, n_parts=3)
    logits = model(torch.from_numpy(pixels)[None, None])[0].detach().numpy()
    size = np.abs(logits - found.baseline["m"])
    np.testing.assert_allclose(found.scores["m"].sum(1) + found.baseline["m"], logits, atol=1e-5 * max(1, size.max()))


def test_where_a_pool_and_one_linear_follow_gradcams_cells_add_up_too(toy, film):
    model = toy("linear_head")
    result = grad_cam(model, film)
    bias = model.fc.bias.detach().numpy()
    np.testing.assert_allclose(result.cams.sum((1, 2)), result.logits - bias, atol=1e-5)


def test_neighbours_that_count_alike_become_one_part_and_parts_are_of_one_piece():
    rows = np.arange(48) // 8
    segments = rows[:, None] * 6 + rows[None]
    counts = np.zeros((36, 2))
    counts[[0, 1, 6, 7]] = [5, 0]
    counts[[34, 35, 29]] = [5, 0]
    numbers = grouped(segments, counts + 1e-3 * np.arange(72).reshape(36, 2), 3)
    assert len({numbers[i] for i in (0, 1, 6, 7)}) == 1
    assert len({numbers[i] for i in (34, 35, 29)}) == 1
    assert numbers[0] != numbers[35], "alike, but elsewhere"
    for i in range(3):
        assert label(np.isin(segments, np.flatnonzero(numbers == i)))[1] == 1
    assert neighbours(segments)[0].indices.tolist() == [1, 6]
    assert grouped(segments, counts, 99).tolist() == list(range(36))


def test_the_places_of_parts_have_names():
    left = np.zeros((9, 12), bool)
    left[7:, 9:] = True
    assert zone(left) == "left base"
    assert zone(np.ones((9, 9), bool)).startswith("around")


def test_it_costs_what_it_says(toy, pixels):
    shown, model = [], toy()

    def answers(x):
        shown.append(len(x))
        return model(torch.from_numpy(x)).detach().numpy()

    found = explained(Network(model, answers), pixels)
    settings = PartsSettings(n_segments=found.made_with["n_segments"], n_parts=5)
    assert sum(shown) == EXPLAINERS["parts"].n_images(settings)
