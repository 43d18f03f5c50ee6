import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.train.prior import start_at_prevalence


def test_first_answers_are_near_the_prevalence_of_known_targets(toy):
    targets = np.zeros((1000, 3), np.float32)
    targets[:300, 0] = 1
    targets[:20, 1] = 1
    targets[100:, 1] = np.nan  # 20 of 100 known
    start_at_prevalence(toy, targets)
    probs = torch.sigmoid(toy.backbone.head[-1].bias)
    assert probs.tolist() == pytest.approx([0.3, 0.2, 0.005], rel=1e-4)  # never seen is taken for rare, not impossible
    with torch.no_grad():
        answers = torch.sigmoid(toy.eval()(torch.rand(20, 1, 32, 32)))
    assert answers[:, 0].mean().item() == pytest.approx(0.3, abs=0.05)


def test_a_network_that_ends_otherwise_is_left_alone(toy):
    toy.backbone.head[-1] = nn.Linear(128, 3, bias=False)
    before = toy.backbone.head[-1].weight.clone()
    start_at_prevalence(toy, np.ones((4, 3), np.float32))
    assert torch.equal(toy.backbone.head[-1].weight, before)
