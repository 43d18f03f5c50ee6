"""EfficientNet-Lite's packaged weights against the network that they were published with."""

import pytest
import timm
import torch

from cxrkd.models.husks import read_tensors
from cxrkd.models.lite_weights import DEPTHS, packaged_file, timm_name, to_timm
from cxrkd.models.zoo import build

ARCHS = list(DEPTHS)


@pytest.fixture(scope="module", params=ARCHS)
def pair(request):
    """Name, the package's tensors, timm's network without any."""
    return request.param, read_tensors(packaged_file(request.param)), timm.create_model(f"tf_{request.param}").eval()


def test_every_tensor_is_used_exactly_once_with_its_shape(pair):
    arch, original, net = pair
    names = [timm_name(name, DEPTHS[arch]) for name in original]
    assert len(set(names)) == len(names)
    assert {name: t.shape for name, t in to_timm(original, arch).items()} == {
        name: t.shape for name, t in net.state_dict().items()
    }


def test_outputs_are_those_of_the_original_architecture(pair):
    """An odd side, because TensorFlow's padding then differs from the symmetric one in every strided layer."""
    published = pytest.importorskip("efficientnet_lite_pytorch")
    arch, original, net = pair
    theirs = published.EfficientNet.from_name(arch.replace("_", "-"), image_size=65).eval()
    theirs.load_state_dict(original)
    net.load_state_dict(to_timm(original, arch))
    x = torch.randn(2, 3, 65, 65, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = theirs(x)
        torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.1, "nothing to tell apart"


def test_symmetric_padding_would_not_do():
    arch = "efficientnet_lite0"
    state = to_timm(read_tensors(packaged_file(arch)), arch)
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    outputs = []
    for name in (f"tf_{arch}", arch):
        net = timm.create_model(name).eval()
        net.load_state_dict(state)
        with torch.no_grad():
            outputs.append(net(x))
    assert (outputs[0] - outputs[1]).abs().max() > 0.1


def test_a_classifier_starts_from_them():
    model = build("efficientnet_lite0", ("a", "b"), 64, "imagenet")
    state = to_timm(read_tensors(packaged_file("efficientnet_lite0")), "efficientnet_lite0")
    got = model.backbone.net.state_dict()
    assert {name for name in got if not torch.equal(got[name], state[name])} == {"classifier.weight", "classifier.bias"}
    assert model.mean.flatten().tolist() == model.std.flatten().tolist() == [0.5, 0.5, 0.5]
