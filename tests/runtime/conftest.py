import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.models.classifier import Backbone, Classifier

SIZE = 16


class Toy(Backbone):
    """Two layers with what engines treat specially: batch norm, h-swish, dropout."""

    def __init__(self, n_labels):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, n_labels))

    def forward_features(self, x):
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


@pytest.fixture(scope="session")
def model():
    torch.manual_seed(0)
    model = Classifier("toy", ("Mass", "Nodule", "Edema"), SIZE, Toy(3))
    with torch.no_grad():
        for _ in range(20):
            model.train()(torch.rand(8, 1, SIZE, SIZE))
        model.backbone.head[3].weight.mul_(4)
    return model.eval()


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).random((7, 1, SIZE, SIZE), np.float32)


@pytest.fixture(scope="session")
def expected(model, images):
    with torch.no_grad():
        return model(torch.from_numpy(images)).numpy()
