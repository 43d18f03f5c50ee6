"""Weights drawn anew from the head downwards: a map of the network falls, an edge detector is caught."""

import copy

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel
from scipy.stats import spearmanr

from cxrkd.explain.baselines import random_twin
from cxrkd.explain.cam import as_batch, grad_cams
from cxrkd.explain.cascade import blocks, cascade, redrawn
from cxrkd.explain.explainer import EXPLAINERS, Explainer, GridMaps, Network
from cxrkd.models.ensemble import join
from cxrkd.models.zoo import build

GRADCAM = EXPLAINERS["gradcam"]


def explain_edges(networks, films, settings, steps):
    """Never looks at the network."""
    maps = [np.hypot(sobel(film, 0), sobel(film, 1))[None].repeat(5, 0) for film in films]
    logits = np.zeros(5, np.float32)
    return [GridMaps(dict.fromkeys(networks, logits), dict.fromkeys(networks, heats)) for heats in maps]


EDGES = Explainer(name="edges", title="Edges", sentence="", needs=(), explain=explain_edges)


@pytest.fixture
def films(film):
    return np.concatenate([film[0].numpy(), film[0].numpy()[:, ::-1]])


def test_an_edge_detector_is_caught_and_grad_cam_falls(toy, films):
    edges = cascade(EDGES, Network(toy()), films)
    np.testing.assert_allclose(edges.left, 1)
    falls = cascade(GRADCAM, Network(toy()), films)
    assert falls.left.shape == (len(falls.shares), 2, 5)
    assert (falls.shares[0], falls.shares[-1]) == (1 / 4, 1.0)
    assert np.nanmean(falls.left[-1]) < 0.5
    assert np.nanmax(falls.left) < 0.999


def test_the_last_depth_is_the_random_twin_and_the_first_changes_the_head_alone(toy, films):
    model = toy()
    whole = cascade(GRADCAM, Network(model), films, n_seeds=1)
    expected, original = (grad_cams(net, as_batch(model, films))[0] for net in (random_twin(model, 0), model))
    for b in range(2):
        for k in range(5):
            alike = spearmanr(original[b, k].ravel(), expected[b, k].ravel())[0]
            assert whole.left[-1, b, k] == pytest.approx(alike, abs=1e-6)
    head = redrawn(model, random_twin(model, 0), blocks(model)[0])
    x = as_batch(model, films)
    with torch.no_grad():
        torch.testing.assert_close(head.forward_features(x), model.forward_features(x))
        assert not torch.allclose(head(x), model(x))


def test_the_network_that_is_explained_stays_as_it_is(toy, films):
    model = toy()
    before = copy.deepcopy(model.state_dict())
    cascade(GRADCAM, Network(model), films, n_seeds=1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("arch", ["eeea_net_c2", "mobilenetv3_small_100", "resnet18", "vit_small_patch16_224"])
def test_every_layer_is_in_one_block_and_the_head_is_the_first(arch):
    model = build(arch, tuple("abcde"), 64 if "vit" not in arch else 224)
    down = blocks(model)
    named = [name for name, module in model.named_modules() if list(module.parameters(recurse=False))]
    assert sorted(name for block in down for name in block) == sorted(named)
    assert len(down[0]) == 1
    sizes = [len(block) for block in down[1:]]
    assert max(sizes) - min(sizes) <= 1
    x = torch.rand(1, 1, model.input_size, model.input_size)
    head = redrawn(model.eval(), random_twin(model, 0), down[0])
    with torch.no_grad():
        torch.testing.assert_close(head.forward_features(x), model.forward_features(x))
        assert not torch.allclose(head(x), model(x))


def test_networks_that_answer_together_are_taken_down_side_by_side():
    parts = [build("mobilenetv3_small_100", tuple("ab"), 64) for _ in range(2)]
    down = blocks(join(parts))
    assert down[0] == ["backbone.parts.0.backbone.net.classifier", "backbone.parts.1.backbone.net.classifier"]
    for block in down:
        assert sum("parts.0" in name for name in block) * 2 == len(block)
