"""Score-CAM against pytorch-grad-cam, and what stands in place of its softmax."""

import numpy as np
import pytest
from pytorch_grad_cam import ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrkd.explain.explainer import Network
from cxrkd.explain.scorecam import as_masks, channels, combine, scorecam
from cxrkd.explain.steps import in_turn
from tests.explain.oracles import Tapped


def oracle_map(model, x, k):
    """pytorch-grad-cam's map of label k before ReLU and scaling: softmax over channels of the label's logits."""
    tapped, targets = Tapped(model).eval(), [ClassifierOutputTarget(k)]
    with ScoreCAM(tapped, [tapped.tap], reshape_transform=model.spatial) as cam:
        cam(x, targets)
        acts = cam.activations_and_grads.activations[0].numpy()
        return cam.get_cam_image(x, tapped.tap, targets, acts, None, False)[0]


def maps_of(model, x, n_channels=99, weights="softmax"):
    return scorecam({"m": Network(model)}, x[0, 0].numpy(), n_channels, weights, in_turn, ("key",)).maps["m"]


@pytest.mark.parametrize("name", ["cnn", "linear_head", "swin", "vit"])
def test_raw_maps_equal_pytorch_grad_cam(toy, film, name):
    model = toy(name)
    found = maps_of(model, film)
    for k in range(5):
        expected = oracle_map(model, film, k)
        np.testing.assert_allclose(found[k], expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_the_channels_that_vary_most_are_taken_in_their_order(toy, film):
    model, pixels = toy(), film[0, 0].numpy()
    every = channels(model, pixels, 99)
    assert every.shape == (12, 6, 6)
    kept = np.sort(np.argsort(-every.var((1, 2)), kind="stable")[:5])
    np.testing.assert_array_equal(channels(model, pixels, 5), every[kept])
    np.testing.assert_allclose(every, model.forward_features(film)[0].detach(), atol=1e-6)


def test_masks_are_the_channels_between_nothing_and_all():
    acts = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    acts[2] = 0.7
    masks = as_masks(acts, 13)
    np.testing.assert_allclose(masks[:2].min((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(masks[:2].max((1, 2)), 1, atol=1e-6)
    corners = masks[:2, ::4, ::4] * np.ptp(acts[:2], axis=(1, 2))[:, None, None] + acts[:2].min((1, 2))[:, None, None]
    np.testing.assert_allclose(corners, acts[:2], atol=1e-5)
    assert (masks[2] == 0).all(), "a channel that is the same everywhere shows nothing"


def test_centred_weights_are_the_softmax_to_first_order_less_the_mean_of_the_channels():
    rng = np.random.default_rng(0)
    acts, scores = rng.normal(size=(7, 3, 3)), 1e-4 * rng.normal(size=(7, 2)) + 5
    centred, published = combine(acts, scores, "centred"), combine(acts, scores, "softmax")
    rest = published - acts.mean(0) - centred
    np.testing.assert_allclose(np.ptp(rest, axis=(1, 2)), 0, atol=1e-3 * np.abs(centred).max())
    by_hand = sum((scores[c, 1] - scores[:, 1].mean()) * (acts[c] - acts[c].min()) for c in range(7)) / 7
    np.testing.assert_allclose(centred[1], by_hand, atol=1e-12)


def test_one_pass_a_channel_serves_all_labels_and_flat_scores_are_no_evidence(toy, film):
    shown = []

    def flat(x):
        shown.append(len(x))
        return np.full((len(x), 5), 3.0, np.float32)

    maps = scorecam({"m": Network(toy(), flat)}, film[0, 0].numpy(), 99, "centred", in_turn, ())
    assert sum(shown) == 12 + 1
    assert (maps.maps["m"] == 0).all()
    np.testing.assert_array_equal(maps.logits["m"], np.full(5, 3, np.float32))
