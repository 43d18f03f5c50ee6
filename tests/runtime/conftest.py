import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.models.classifier import Classifier
from tests.toys import Toy

SIZE = 16


@pytest.fixture(scope="session")
def model():
    """What engines treat specially: batch norm that has seen films, h-swish, dropout."""
    torch.manual_seed(0)
    model = Classifier("toy", ("Mass", "Nodule", "Edema"), SIZE, Toy(3, dropout=0.5, activation=nn.Hardswish))
    with torch.no_grad():
        for _ in range(20):
            model.train()(torch.rand(8, 1, SIZE, SIZE))
        model.backbone.head[-1].weight.mul_(4)
    return model.eval()


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).random((7, 1, SIZE, SIZE), np.float32)


@pytest.fixture(scope="session")
def expected(model, images):
    with torch.no_grad():
        return model(torch.from_numpy(images)).numpy()
