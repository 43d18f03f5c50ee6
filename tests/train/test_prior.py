import numpy as np
import pytest
import torch

from cxrkd.models.zoo import build
from cxrkd.train.prior import start_at_prevalence


def test_an_untrained_network_first_answers_each_labels_prevalence():
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 3)) < [0.05, 0.3, 0.6]).astype(np.float32)
    targets[rng.random(targets.shape) < 0.2] = np.nan
    model = build("eeea_net_c1", ["a", "b", "c"], 32).eval()
    start_at_prevalence(model, targets)
    probs = torch.sigmoid(model(torch.rand(8, 1, 32, 32))).mean(0)
    np.testing.assert_allclose(probs.detach().numpy(), np.nanmean(targets, 0), atol=0.02)


def test_a_label_without_cases_or_knowledge_starts_rare_not_at_minus_infinity():
    targets = np.zeros((10, 3), np.float32)
    targets[:, 1] = np.nan
    targets[:, 2] = 1
    model = build("eeea_net_c1", ["a", "b", "c"], 32).eval()
    start_at_prevalence(model, targets)
    probs = torch.sigmoid(model.backbone.classifier.bias)
    assert probs.tolist() == pytest.approx([0.005, 0.005, 0.995])
