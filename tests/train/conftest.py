"""A cohort whose labels can be seen, and a network small enough to learn them in seconds."""

import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.config import TrainConfig
from cxrkd.data.cohort import Cohort
from cxrkd.data.pixels import InMemory
from cxrkd.models.classifier import Backbone, Classifier

LABELS = ("Left", "Right", "Bright")
SIZE = 32


class Toy(Backbone):
    """Two convolutions that keep position, batch norm, dropout: everything that resume has to restore."""

    def __init__(self, n_labels):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=4, padding=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4)
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * 16, n_labels))

    def forward_features(self, x):
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


def make_toy(seed=0, labels=LABELS):
    torch.manual_seed(seed)
    return Classifier("toy", labels, SIZE, Toy(len(labels)))


def make_blobs(n_patients=60, seed=0):
    """Two images a patient; a blob on the left, one on the right, a bright background: one label each."""
    rng = np.random.default_rng(seed)
    n = 2 * n_patients
    targets = (rng.random((n, 3)) < 0.5).astype(np.float32)
    images = rng.normal(60, 15, (n, SIZE, SIZE)) + 60 * targets[:, 2, None, None]
    images[:, 10:22, 3:13] += 90 * targets[:, 0, None, None]
    images[:, 10:22, 19:29] += 90 * targets[:, 1, None, None]
    patients = np.repeat([f"p{i:03d}" for i in range(n_patients)], 2)
    split = np.repeat(np.array(["train"] * 6 + ["val"] * 2 + ["test"] * 2), n // 10)
    return Cohort(
        name="blobs",
        labels=LABELS,
        targets=targets,
        patients=patients,
        ids=np.array([f"i{i:04d}" for i in range(n)]),
        split=split,
        views=np.array(["PA", "AP"] * n_patients),
        pixels=InMemory(images.clip(0, 255).astype(np.uint8), f"blobs-{n}-{seed}"),
        synthetic=True,
    )


@pytest.fixture(scope="session")
def blobs():
    return make_blobs()


@pytest.fixture
def toy():
    return make_toy()


@pytest.fixture
def fresh_toy():
    """Makes a toy network from a seed."""
    return make_toy


@pytest.fixture
def train():
    return TrainConfig(epochs=2, warm_epochs=1, warm_size=32, batch_size=12, learning_rate=0.02, augment=True)
