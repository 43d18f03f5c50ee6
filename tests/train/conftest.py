"""Data whose labels can be seen, and a network small enough to learn them in seconds."""

import pytest

from cxrkd.config import TrainConfig
from tests import toys


@pytest.fixture(scope="session")
def blobs():
    return toys.blobs()


@pytest.fixture
def toy():
    return toys.make_toy()


@pytest.fixture
def fresh_toy():
    """Makes a toy network from a seed."""
    return toys.make_toy


@pytest.fixture
def train():
    return TrainConfig(epochs=2, warm_epochs=1, warm_size=32, batch_size=12, learning_rate=0.02, augment=True)
