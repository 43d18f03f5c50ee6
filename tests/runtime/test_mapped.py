"""Logits and Grad-CAM from one pass forward, held against automatic differentiation."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.errors import EngineError
from cxrkd.explain.cam import grad_cams
from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.zoo import build
from cxrkd.runtime.mapped import with_maps
from tests.toys import LABELS, SIZE, make_toy


class Pooled(Backbone):
    """Features, their mean, and a head of any kind behind it."""

    def __init__(self, head):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2), nn.Hardswish())
        self.head = head

    def forward_features(self, x):
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


HEADS = {
    "line": lambda: [nn.Flatten(), nn.Linear(8, len(LABELS))],
    "layers": lambda: [nn.Flatten(), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, len(LABELS))],
    "convolution": lambda: [nn.Conv2d(8, 16, 1), nn.Hardswish(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 3)],
}


def pooled(*layers):
    torch.manual_seed(3)
    return Classifier("pooled", LABELS, SIZE, Pooled(nn.Sequential(nn.AdaptiveAvgPool2d(1), *layers))).eval()


def frozen(model):
    return copy.deepcopy(model).requires_grad_(False)


@pytest.mark.parametrize("kind", HEADS)
def test_maps_of_any_head_behind_a_mean_are_those_of_automatic_differentiation(kind):
    model = pooled(*HEADS[kind]())
    x = torch.rand(1, 1, SIZE, SIZE)
    expected_maps, expected_logits = grad_cams(model, x)
    logits, maps = with_maps(frozen(model))(x)
    np.testing.assert_allclose(logits.numpy(), expected_logits, atol=1e-5)
    np.testing.assert_allclose(maps.numpy(), expected_maps, atol=1e-6 + 1e-4 * np.abs(expected_maps).max())


def test_the_students_head_is_not_linear_and_its_maps_hold_too():
    """The head of EEEA-Net has an activation between two layers: weights times maps would be another map."""
    model = build("eeea_net_c1", LABELS, 64).eval()
    x = torch.rand(1, 1, 64, 64)
    expected_maps, expected_logits = grad_cams(model, x)
    logits, maps = with_maps(frozen(model))(x)
    np.testing.assert_allclose(logits.numpy(), expected_logits, atol=1e-4)
    assert np.abs(maps.numpy() - expected_maps).max() <= 1e-3 * np.abs(expected_maps).max()


def test_a_head_that_looks_at_positions_is_refused():
    with pytest.raises(EngineError, match="expected a convolutional network whose head begins with a global mean pool"):
        with_maps(frozen(make_toy().eval()))


def test_a_head_that_takes_the_largest_value_is_refused_and_not_taken_for_a_mean():
    model = Classifier(
        "largest", LABELS, SIZE, Pooled(nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 3)))
    )
    with pytest.raises(EngineError, match="does not begin with the mean"):
        with_maps(frozen(model.eval()))


def test_the_network_that_was_handed_over_as_a_copy_is_unchanged():
    model = pooled(*HEADS["layers"]())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with_maps(frozen(model))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
