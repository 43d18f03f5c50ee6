"""Mean features by depth against a hand-made trunk, and their agreement against its chance lines."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from cxrkd.errors import ConfigError
from cxrkd.explain.explainer import Network
from cxrkd.explain.feature_maps import N_RANDOM, feature_maps, mean_maps
from cxrkd.explain.similarity import area_resample
from cxrkd.explain.steps import in_turn
from cxrkd.models.zoo import build

LABELS = ("Mass", "Effusion")


@pytest.fixture(scope="module")
def pixels():
    return torch.rand(64, 64, generator=torch.Generator().manual_seed(2)).numpy()


def network(arch, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(arch, LABELS, 64).eval()


@pytest.fixture(scope="module")
def pair():
    return {"teacher": Network(network("resnet18")), "alone": Network(network("eeea_net_c2"))}


@pytest.mark.parametrize(
    "arch", ["resnet18", "eeea_net_c2", "vit_small_patch16_224", "efficientnet_lite0+efficientnet_lite1"]
)
def test_a_map_is_the_mean_over_channels_of_each_stage(arch, pixels):
    model = network(arch)
    films = np.stack([pixels, 1 - pixels])
    found = mean_maps(model, films)
    stages, features = model.forward_stages(torch.from_numpy(films)[:, None])
    assert len(found) == len(model.stages) == 4
    for level, stage, said in zip(found, stages, model.stages, strict=True):
        np.testing.assert_allclose(level, stage.detach().mean(1), atol=1e-5)
        assert level.shape == (2, said.grid(64), said.grid(64))
        assert np.ptp(level, axis=(1, 2)).min() > 0
    np.testing.assert_allclose(found[-1], model.spatial(features).detach().mean(1), atol=1e-5)


def test_a_hook_on_the_layer_sees_the_same(pixels):
    model, seen = network("resnet18"), []
    handle = model.backbone.net.layer2.register_forward_hook(lambda *a: seen.append(a[2].detach()))
    model(torch.from_numpy(pixels)[None, None])
    handle.remove()
    np.testing.assert_allclose(mean_maps(model, pixels[None])[1], seen[0].mean(1), atol=1e-5)


def test_agreement_and_its_lines_by_scipy(pair, pixels):
    others = np.random.default_rng(0).random((24, 64, 64)).astype(np.float32)
    found = feature_maps(pair, pixels, others)
    assert set(found.agreements) == {"alone"}
    for depth, one in enumerate(found.agreements["alone"]):
        map_t, map_s = found.maps["teacher"][depth], found.maps["alone"][depth]
        assert one.grid == map_s.shape
        coarse = area_resample(map_t, map_s.shape)
        assert one.spearman == pytest.approx(spearmanr(coarse.ravel(), map_s.ravel()).statistic)
        assert [line.name for line in one.lines] == ["random_student", "other_film", "film_mean", "centre"]
        assert not any(line.missing for line in one.lines[:3])
        assert bool(one.lines[3].missing) == (one.grid == (2, 2)), "a bump in four cells is flat"
        assert one.ceiling > max(one.spearman, 0.3)
    on_others = mean_maps(pair["alone"].classifier, others)[0]
    coarse = found.maps["teacher"][0]
    draws = [spearmanr(area_resample(coarse, other.shape).ravel(), other.ravel()).statistic for other in on_others]
    assert found.agreements["alone"][0].lines[1].mean == pytest.approx(np.mean(draws))


def test_near_the_image_a_random_network_sees_the_film_so_that_agreement_is_nothing_special(pair, pixels):
    """Untrained networks agree at the first depth, on this film and not on others: chance lines have to know it."""
    others = np.random.default_rng(0).random((24, 64, 64)).astype(np.float32)
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    film = (0.5 * ramp[:, None] * ramp[None] + 0.5 * (np.hypot(*np.mgrid[-1:1:64j, -1:1:64j]) < 0.5)).astype(np.float32)
    first = feature_maps(pair, film, others).agreements["alone"][0]
    random = first.lines[0]
    assert abs(random.high) > 0.3
    assert first.verdict.startswith("not above chance")


def test_a_network_with_itself_agrees_at_every_depth(pixels):
    model = network("resnet18")
    found = feature_maps({"teacher": Network(model), "alone": Network(model)}, pixels)
    assert [one.spearman for one in found.agreements["alone"]] == pytest.approx([1] * 4)
    assert all("no other films are at hand" in one.verdict for one in found.agreements["alone"][:2])
    told = json.loads(json.dumps([one.to_dict() for one in found.agreements["alone"]], allow_nan=False))
    assert told[0]["lines"]["other_film"]["high"] is None


def test_without_a_teacher_there_are_maps_alone_and_passes_are_steps(pair, pixels):
    found = feature_maps({"alone": pair["alone"]}, pixels)
    assert found.agreements == {}
    asked = []

    def steps(own):
        asked.extend(step.key[0] for step in own)
        return in_turn(own)

    feature_maps(pair | {"distilled": Network(network("eeea_net_c2", 1))}, pixels, steps=steps)
    assert asked == [*["depth"] * 3, "depth noise", *["depth random"] * 2]
    assert N_RANDOM > 2


def test_a_network_without_stages_or_in_training_mode_is_a_sentence(toy, pixels):
    bare = toy()
    bare.stages = ()
    with pytest.raises(ConfigError, match="does not say where its stages are"):
        mean_maps(bare, pixels[None])
    with pytest.raises(ValueError, match="eval mode"):
        mean_maps(network("resnet18").train(), pixels[None])
