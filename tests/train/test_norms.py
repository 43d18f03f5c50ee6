"""Norms counted again, against NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.zoo import build
from cxrkd.train.norms import films, recount_norms


class OneNorm(Backbone):
    mean, std = (0.5,), (0.25,)

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.head = nn.BatchNorm2d(1, momentum=0.3), nn.Dropout(0.5), nn.Linear(1, 2)

    def forward_features(self, x):
        return self.drop(self.norm(x))

    def forward_head(self, features):
        return self.head(features.mean((2, 3)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Classifier("one", ("a", "b"), 8, OneNorm())


@pytest.fixture
def batches():
    rng = torch.Generator().manual_seed(1)
    return [torch.rand(4, 1, 8, 8, generator=rng) * scale for scale in (0.2, 0.6, 1.0)]


def test_statistics_are_means_over_the_batches(model, batches):
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    recount_norms(model, batches)
    seen = [(batch.numpy() - 0.5) / 0.25 for batch in batches]
    norm = model.backbone.norm
    assert norm.running_mean.item() == pytest.approx(np.mean([x.mean() for x in seen]), rel=1e-5)
    assert norm.running_var.item() == pytest.approx(np.mean([x.var(ddof=1) for x in seen]), rel=1e-5)
    assert norm.momentum == 0.3
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.named_parameters())


def test_what_was_counted_before_does_not_matter(model, batches):
    recount_norms(model, batches)
    first = model.backbone.norm.running_mean.clone()
    recount_norms(model, [batch + 1 for batch in batches])
    recount_norms(model, batches)
    assert torch.equal(model.backbone.norm.running_mean, first)


@pytest.mark.parametrize("arch", ["efficientnet_lite0", "resnet18", "eeea_net_c2"])
def test_every_norm_of_a_network_is_reached(arch):
    torch.manual_seed(0)
    model, images = build(arch, ("a",), 32), torch.rand(8, 1, 32, 32)
    recount_norms(model, [images])
    counted = {name: t.item() for name, t in model.state_dict().items() if name.endswith("num_batches_tracked")}
    assert counted
    assert set(counted.values()) == {1}


def test_a_network_without_norms_stays_as_it_is():
    model = build("vit_small_patch16_224", ("a",), 32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recount_norms(model, iter([torch.rand(2, 1, 32, 32)]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_films_are_the_training_images_untouched_in_whole_batches(blobs):
    rows = blobs.rows("train")
    found = torch.cat(list(films(blobs, 32, 7, seed=0)))
    assert len(found) == len(rows) // 7 * 7
    known = {np.asarray(blobs.images[row]).tobytes() for row in rows}
    assert {(image[0].numpy() * 255).round().astype(np.uint8).tobytes() for image in found} <= known
    assert [len(batch) for batch in films(blobs, 32, 10_000, seed=0)] == [len(rows)]
