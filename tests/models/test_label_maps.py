"""Maps that can be learned from: against the explainers, closed forms and finite differences."""

import copy

import pytest
import torch
from torch import nn

from cxrkd.explain.cam import grad_cams
from cxrkd.models.classifier import Backbone, Classifier
from cxrkd.models.label_maps import label_gradients, label_maps
from cxrkd.models.zoo import build

LABELS = ("a", "b", "c")
STUDENTS = ["eeea_net_c2", "mobilenetv3_small_100", "resnet18", "vit_small_patch16_224"]


class Pooled(Backbone):
    """A convolution, mean pool and a linear head: its Grad-CAM is known in closed form, its second derivative too."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 6, 3, 4, 1), nn.Softplus())
        self.head = nn.Linear(6, 3)

    def forward_features(self, x):
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features.mean((2, 3)))


@pytest.fixture
def pooled():
    torch.manual_seed(0)
    return Classifier("pooled", LABELS, 16, Pooled())


def films(n=2, size=64):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=STUDENTS)
def network(request):
    torch.manual_seed(0)
    return build(request.param, LABELS, 64)


@pytest.mark.parametrize("create_graph", [False, True])
def test_they_are_the_maps_that_are_shown(network, create_graph):
    network.eval()
    logits, maps = label_maps(network, network.forward_features(films()), create_graph=create_graph)
    cams, shown = grad_cams(network, films())
    scale = float(abs(cams).max())
    torch.testing.assert_close(maps.detach(), torch.from_numpy(cams), rtol=1e-4, atol=1e-5 * scale)
    torch.testing.assert_close(logits.detach(), torch.from_numpy(shown), rtol=1e-4, atol=1e-5)
    assert maps.requires_grad == logits.requires_grad == create_graph


def test_after_a_mean_pool_they_are_weights_times_features(pooled):
    features = pooled.forward_features(films(size=16))
    _, maps = label_maps(pooled, features, create_graph=True)
    expected = torch.einsum("kc,bchw->bkhw", pooled.backbone.head.weight, features) / features[0, 0].numel()
    torch.testing.assert_close(maps, expected)
    slopes = [
        torch.autograd.grad(m.square().sum(), pooled.parameters(), retain_graph=True, allow_unused=True)
        for m in (maps, expected)
    ]
    for mine, theirs in zip(*slopes, strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or torch.allclose(mine, theirs, rtol=1e-4, atol=1e-7)


def test_their_derivative_is_that_of_finite_differences():
    """Through a head of two layers and its non-linearity, in float64."""
    torch.manual_seed(0)
    model = build("eeea_net_c1", LABELS, 32).double().eval()
    model.backbone.classifier.weight.data.mul_(10)
    with torch.no_grad():
        features = model.forward_features(films(1, 32).double())
    weight = model.backbone.feature_mix[0].weight

    def value():
        _, grads = label_gradients(model, features, create_graph=True)
        return sum((grad * features).square().sum() for grad in grads)

    features.requires_grad_()
    (slope,) = torch.autograd.grad(value(), weight)
    at = slope.abs().flatten().topk(3).indices
    for index in at.tolist():
        ends = []
        for step in (1e-6, -2e-6):
            weight.data.view(-1)[index] += step
            ends.append(value().item())
        weight.data.view(-1)[index] += 1e-6
        assert slope.flatten()[index].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4)


@pytest.mark.parametrize("half", [False, True])
def test_a_student_in_training_learns_from_its_maps(network, half):
    """Batch norm and dropout at work, in float32 and under bfloat16: maps are float32, every gradient a number."""
    model = copy.deepcopy(network).train()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        logits, maps = label_maps(model, model.forward_features(films()), create_graph=True)
    assert maps.dtype == torch.float32
    (maps.square().sum() * 1e4 + logits.float().sum()).backward()
    slopes = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(slope).all() for slope in slopes)
    stem = next(p for p in model.parameters() if p.ndim == 4)
    assert stem.grad.abs().sum() > 0


def test_maps_of_a_teacher_leave_no_gradient_in_it(pooled):
    with torch.no_grad():
        features = pooled.forward_features(films(size=16))
        logits, maps = label_maps(pooled, features)
    assert not any(tensor.requires_grad for tensor in (logits, maps, features))
    assert all(p.grad is None for p in pooled.parameters())
