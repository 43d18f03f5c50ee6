"""Networks that answer together, against each of them asked on its own."""

import numpy as np
import pytest
import torch

from cxrkd.cost.count import count
from cxrkd.errors import ConfigError
from cxrkd.explain.cam import grad_cam
from cxrkd.models.ensemble import join
from cxrkd.models.weights import load_weights, save_weights
from cxrkd.models.zoo import build

LABELS = ("a", "b", "c")
PAIR = "resnet18+mobilenetv3_small_100"


@pytest.fixture(scope="module")
def parts():
    torch.manual_seed(0)
    return [build(arch, LABELS, 64).eval() for arch in PAIR.split("+")]


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))


def test_the_answer_is_the_mean_of_the_logits(parts, images):
    together = join(parts).eval()
    assert together.arch == PAIR
    with torch.no_grad():
        expected = torch.stack([part(images) for part in parts]).mean(0)
        assert torch.allclose(together(images), expected, atol=1e-6)


def test_grad_cam_is_the_mean_of_the_parts_maps(parts, images):
    """Each head sees its own channels only, so the joint map is the sum of the parts' maps at half weight each."""
    cams = grad_cam(join(parts).eval(), images[:1]).cams
    expected = np.mean([grad_cam(part, images[:1]).cams for part in parts], axis=0)
    assert np.allclose(cams, expected, atol=1e-6)


def test_it_costs_what_its_parts_cost(parts):
    together, each = count(join(parts)), [count(part) for part in parts]
    assert together.params == sum(cost.params for cost in each)
    assert together.macs == sum(cost.macs for cost in each)


def test_a_file_brings_it_back(parts, images, tmp_path):
    together = join(parts).eval()
    save_weights(together, tmp_path / "both.safetensors")
    found = load_weights(tmp_path / "both.safetensors")
    assert found.arch == PAIR
    with torch.no_grad():
        assert torch.allclose(found(images), together(images), atol=2e-2)


def test_the_same_network_may_be_there_twice_with_other_weights(images):
    torch.manual_seed(0)
    both = build("resnet18+resnet18", LABELS, 64).eval()
    with torch.no_grad():
        features = both.forward_features(images)
    assert not torch.equal(features[:, :512], features[:, 512:])


def test_building_leaves_the_parts_in_training_mode():
    assert all(module.training for module in build(PAIR, LABELS, 64).modules())


def test_one_network_alone_is_itself(parts):
    assert join(parts[:1]) is parts[0]


def test_parts_that_do_not_go_together():
    with pytest.raises(ConfigError, match="same labels"):
        join([build("resnet18", LABELS, 64), build("resnet18", ("a",), 64)])
    with pytest.raises(ConfigError, match="vit_small_patch16_224 cannot answer together"):
        build("resnet18+vit_small_patch16_224", LABELS, 64)
    with pytest.raises(ConfigError, match=r"one grid, got resnet18 3 x 3, densenet121 2 x 2"):
        build("resnet18+densenet121", LABELS, 80)
    with pytest.raises(ConfigError, match="Unknown network ''"):
        build("resnet18+", LABELS, 64)


def test_stages_lie_side_by_side(parts, images, monkeypatch):
    together = join(parts).eval()
    with torch.no_grad():
        maps, features = together.forward_stages(images)
        torch.testing.assert_close(together.forward_head(features), together(images))
    assert [stage.channels for stage in together.stages] == [level.shape[1] for level in maps]
    assert [stage.stride for stage in together.stages] == [4, 8, 16, 32]
    monkeypatch.setattr(parts[0].backbone, "stages", ())
    assert join(parts).stages == ()


SHARES = torch.tensor([[0.25, 0.5, 0.9], [0.75, 0.5, 0.1]])


def test_a_weighted_answer_is_the_weighted_sum_of_the_logits_and_of_the_maps(parts, images):
    together = join(parts, SHARES).eval()
    with torch.no_grad():
        expected = sum(share * part(images) for share, part in zip(SHARES, parts, strict=True))
        torch.testing.assert_close(together(images), expected)
    cams = grad_cam(together, images[:1]).cams
    each = [grad_cam(part, images[:1]).cams for part in parts]
    weighted = sum(share[:, None, None] * cam for share, cam in zip(SHARES.numpy(), each, strict=True))
    np.testing.assert_allclose(cams, weighted, atol=1e-6)
    assert count(together).macs == sum(count(part).macs for part in parts)


def test_a_file_brings_the_shares_back_and_one_of_before_is_an_even_mean(parts, images, tmp_path):
    path = tmp_path / "joined.safetensors"
    for shares in (SHARES, None):
        save_weights(join(parts, shares).eval(), path)
        again = load_weights(path)
        kept = again.backbone.shares
        assert kept is None if shares is None else torch.equal(kept.view(2, 3), SHARES)
        with torch.no_grad():
            each = torch.stack([part(images) for part in again.backbone.parts])
            expected = each.mean(0) if shares is None else (SHARES[:, None] * each).sum(0)
            torch.testing.assert_close(again(images), expected)
    assert not [name for name in join(parts).state_dict() if "shares" in name], "files of now are those of before"


def test_a_label_that_a_part_was_never_taught_stays_unanswered(parts, images):
    together = join([parts[0], parts[0]], SHARES).eval()
    features = together.forward_features(images)
    features[:, :512] = float("nan")
    assert together.forward_head(features).isnan().all()


def test_a_weighted_network_is_exported_as_any_other(parts, images, tmp_path):
    together = join(parts, SHARES).eval()
    exported = torch.export.export(together, (images,)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(images), together(images))
