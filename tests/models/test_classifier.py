"""The contract, on every network on offer: whoever adds one gets it tested here."""

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from cxrkd.cost.count import count
from cxrkd.errors import ConfigError
from cxrkd.models.classifier import averaged_down
from cxrkd.models.weights import fingerprint, load_weights, save_weights
from cxrkd.models.zoo import build, list_archs
from cxrkd.runtime.export import export_onnx

LABELS = ("a", "b", "c")
SIZE = 64
GRID = {"vit_small_patch16_224": 4}  # others have a stride of 32


@pytest.fixture(scope="module", params=list_archs())
def model(request):
    torch.manual_seed(0)
    return build(request.param, LABELS, SIZE).eval()


@pytest.fixture(scope="module")
def x():
    return torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def test_head_of_features_is_forward_and_leaves_the_features_alone(model, x):
    with torch.no_grad():
        features = model.forward_features(x)
        before = features.clone()
        logits = model.forward_head(features)
        torch.testing.assert_close(model(x), logits, rtol=0, atol=0)
    assert logits.shape == (2, 3)
    assert torch.equal(features, before)


def test_forward_is_the_bare_network_on_normalised_images(model, x):
    """Against timm's own forward, which also proves that the ViT is cut without loss."""
    mean = torch.tensor(model.mean.flatten().tolist())[None, :, None, None]
    std = torch.tensor(model.std.flatten().tolist())[None, :, None, None]
    rgb = (x.repeat(1, mean.shape[1], 1, 1) - mean) / std
    backbone = model.backbone
    with torch.no_grad():
        expected = (
            backbone.net(rgb) if hasattr(backbone, "net") else backbone.forward_head(backbone.forward_features(rgb))
        )
        torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-5)


def test_spatial_is_a_differentiable_map_that_every_label_depends_on(model, x):
    features = model.forward_features(x).detach().requires_grad_()
    maps = model.spatial(features)
    grid = GRID.get(model.arch, 2)
    assert maps.shape == (2, maps.shape[1], grid, grid)
    for column in model.forward_head(features).unbind(1):
        (gradient,) = torch.autograd.grad(column.sum(), features, retain_graph=True)
        assert (model.spatial(gradient).flatten(2).abs().sum(1) > 0).all(), "a place without gradient"
    maps.sum().backward()
    assert features.grad.abs().sum() > 0
    assert model.pooled(features).shape == maps.shape[:2]


@pytest.mark.parametrize("corner", [0, 1, 2, 3])
@pytest.mark.parametrize("arch", ["vit_small_patch16_224", "swin_tiny_patch4_window7_224"])
def test_spatial_keeps_places_where_they_are(arch, corner):
    """The corner of the image that changes is the corner of the map that changes most."""
    model = build(arch, LABELS, SIZE).eval()
    half, row, col = SIZE // 2, corner // 2, corner % 2
    plain = torch.full((1, 1, SIZE, SIZE), 0.5)
    changed = plain.clone()
    changed[..., row * half : (row + 1) * half, col * half : (col + 1) * half] = torch.rand(half, half)
    with torch.no_grad():
        maps = [model.spatial(model.forward_features(x)) for x in (plain, changed)]
    change = torch.nn.functional.adaptive_avg_pool2d((maps[1] - maps[0]).abs().sum(1), 2)
    assert int(change.flatten().argmax()) == corner


@pytest.mark.parametrize(
    "arch", ["densenet121", "densenet161", "densenet201", "resnet50", "resnet18", "xrv_densenet121", "xrv_resnet50"]
)
def test_features_are_taken_behind_the_relu(arch, x):
    with torch.no_grad():
        assert build(arch, LABELS, SIZE).eval().forward_features(x).min() == 0


@pytest.mark.parametrize("arch", ["eeea_net_c2", "mobilenetv3_large_100"])
def test_features_are_taken_behind_the_h_swish(arch, x):
    """x * relu6(x + 3) / 6 has its minimum -3/8 at -1.5; a batch norm's output goes below."""
    with torch.no_grad():
        features = build(arch, LABELS, SIZE).train().forward_features(torch.cat([x] * 4))
    assert -0.375 - 1e-6 <= features.min() < -0.3


def test_preparation_constants_are_neither_parameters_nor_saved():
    model = build("eeea_net_c2", LABELS, SIZE)
    assert not [name for name in model.state_dict() if not name.startswith("backbone.")]
    assert sum(p.numel() for p in model.parameters()) == 4_714_904 + 1281 * 3


def test_a_vit_runs_at_other_multiples_of_its_patch(x):
    """Training starts at a smaller size."""
    model = build("vit_small_patch16_224", LABELS, 96).eval()
    with torch.no_grad():
        assert model.spatial(model.forward_features(x)).shape == (2, 384, 4, 4)


def test_stages_are_what_is_declared_and_lead_to_the_same_logits(model, x):
    with torch.no_grad():
        maps, features = model.forward_stages(x)
        torch.testing.assert_close(model.forward_head(features), model(x), rtol=1e-5, atol=1e-5)
    assert len(maps) == len(model.stages) == 4
    for stage, found in zip(model.stages, maps, strict=True):
        assert found.shape == (2, stage.channels, stage.grid(SIZE), stage.grid(SIZE)), stage
    assert torch.equal(maps[-1], model.spatial(features))
    assert len({stage.name for stage in model.stages}) == 4


def small(**how):
    torch.manual_seed(0)
    return build("resnet18", ("a", "b"), 64, **how).eval()


def test_a_network_that_looks_at_less_averages_its_images(tmp_path):
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    less, whole = small(shrinks_to=32), small()
    halved = torch.nn.functional.avg_pool2d(images, 2)
    with torch.no_grad():
        torch.testing.assert_close(less(images), whole(halved))
        torch.testing.assert_close(less.forward_stages(images)[0][0], whole.forward_stages(halved)[0][0])
        torch.testing.assert_close(less(halved), whole(halved))
    assert [stage.stride for stage in less.stages] == [2 * stage.stride for stage in whole.stages]
    assert (less.input_size, less.works_at, whole.works_at) == (64, 32, 64)
    assert count(less).macs == count(whole, 32).macs
    assert fingerprint(less) != fingerprint(whole)
    save_weights(less, tmp_path / "less.safetensors")
    again = load_weights(tmp_path / "less.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(again(images), less(images), atol=2e-2, rtol=0)
    assert again.shrinks_to == 32


@pytest.mark.parametrize("side", [16, 20, 45, 63])
def test_means_over_areas_are_exact_for_any_side(side):
    """Against OpenCV, and against the mean of the film, which no resampling by areas changes."""
    film = np.random.default_rng(0).random((64, 64), np.float32)
    shrunk = averaged_down(torch.from_numpy(film)[None, None], side)[0, 0].numpy()
    np.testing.assert_allclose(shrunk, cv2.resize(film, (side, side), interpolation=cv2.INTER_AREA), atol=1e-5)
    assert shrunk.mean() == pytest.approx(film.mean(), abs=1e-5)


def test_a_network_that_looks_at_five_sevenths_is_exported(tmp_path):
    model = build("resnet18", ("a", "b"), 56, shrinks_to=40).eval()
    film = torch.rand(3, 1, 56, 56, generator=torch.Generator().manual_seed(2))
    session = onnxruntime.InferenceSession(str(export_onnx(model, tmp_path / "model.onnx")))
    with torch.no_grad():
        told = model(film).numpy()
    np.testing.assert_allclose(session.run(None, {"image": film.numpy()})[0], told, atol=1e-4)
    assert model.works_at == 40


def test_a_size_to_look_at_that_is_more_than_there_is_or_too_small_is_refused():
    with pytest.raises(ConfigError, match="resnet18 cannot work at 96 pixels of 64: expected no more"):
        small(shrinks_to=96)
    with pytest.raises(ConfigError, match="got 16"):
        small(shrinks_to=16)
