"""EEEA-Net against the numbers of the original network."""

import pytest
import torch
from torch import nn

from cxrkd.cost.count import count_macs
from cxrkd.models.eeea_net import EEEA_NET_C1, EEEA_NET_C2, OFA_595, EEEANet, SqueezeExcite, make_divisible
from cxrkd.models.zoo import build


def n_params(module):
    return sum(p.numel() for p in module.parameters())


def macs(chain, n_labels, size):
    return count_macs(_Whole(EEEANet(chain, n_labels)), (1, 3, size, size))


class _Whole(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.forward_head(self.net.forward_features(x))


@pytest.mark.parametrize(
    ("chain", "n_labels", "size", "params", "expected_macs"),
    [
        (EEEA_NET_C2, 1000, 192, 5_995_904, 215_040_256),
        (EEEA_NET_C2, 1000, 224, 5_995_904, 291_204_032),
        (EEEA_NET_C2, 14, 224, 4_732_838, 289_941_952),
        (EEEA_NET_C2, 5, 224, 4_721_309, 289_930_432),
        (EEEA_NET_C2, 19, 224, 4_739_243, 289_948_352),
        (EEEA_NET_C1, 1000, 192, 5_068_128, 135_518_720),
        (EEEA_NET_C1, 1000, 224, 5_068_128, 183_127_840),
        (OFA_595, 14, 224, 7_620_446, 511_347_184),
    ],
)
def test_counts_are_those_of_the_original(chain, n_labels, size, params, expected_macs):
    assert n_params(EEEANet(chain, n_labels)) == params
    assert macs(chain, n_labels, size) == expected_macs


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (28, 8_400_856),
        (64, 26_298_112),
        (128, 96_603_136),
        (160, 149_331_904),
        (192, 213_778_176),
        (256, 377_823_232),
        (320, 588_738_304),
        (384, 846_523_392),
        (512, 1_502_703_616),
    ],
)
def test_c2_macs_by_input_size(size, expected):
    assert macs(EEEA_NET_C2, 14, size) == expected


# block: kernel, stride, in, out, mid, h-swish, squeeze, skip, output side at 224, parameters, MACs
TABLE = [
    (3, 1, 16, 16, 16, False, None, True, 112, 464, 5_017_600),
    (3, 2, 16, 24, 48, False, None, False, 56, 2_592, 14_601_216),
    (5, 1, 24, 24, 96, False, None, True, 56, 7_440, 21_977_088),
    (3, 1, 24, 24, 72, False, None, True, 56, 4_440, 12_870_144),
    (7, 2, 24, 40, 96, False, 24, False, 28, 16_040, 13_928_448),
    (3, 1, 40, 40, 120, False, 32, True, 28, 19_072, 8_380_800),
    (7, 1, 40, 40, 120, False, 32, True, 28, 23_872, 12_144_000),
    (5, 2, 40, 80, 240, True, None, False, 14, 35_920, 12_465_600),
    (7, 1, 80, 80, 480, True, None, True, 14, 102_400, 19_662_720),
    (5, 1, 80, 80, 240, True, None, True, 14, 45_520, 8_702_400),
    (3, 1, 80, 80, 240, True, None, True, 14, 41_680, 7_949_760),
    (7, 1, 80, 112, 480, True, 120, False, 14, 233_624, 22_788_480),
    (5, 1, 112, 112, 448, True, 112, True, 14, 214_480, 21_964_544),
    (3, 1, 112, 112, 336, True, 88, True, 14, 139_416, 15_403_584),
    (3, 1, 112, 112, 336, True, 88, True, 14, 139_416, 15_403_584),
    (5, 2, 112, 160, 672, True, 168, False, 7, 429_224, 21_069_216),
    (3, 1, 160, 160, 960, True, 240, True, 7, 782_000, 15_936_960),
    (5, 1, 160, 160, 960, True, 240, True, 7, 797_360, 16_689_600),
    (7, 1, 160, 160, 480, True, 120, True, 7, 295_160, 8_794_080),
]


@pytest.mark.parametrize("index", range(len(TABLE)))
def test_c2_block(index):
    kernel, stride, c_in, c_out, mid, hard, squeeze, skip, side, params, expected_macs = TABLE[index]
    block = EEEANet(EEEA_NET_C2, 14).blocks[index]
    depthwise = next(m for m in block.modules() if isinstance(m, nn.Conv2d) and m.groups > 1)
    assert depthwise.kernel_size == (kernel, kernel)
    assert depthwise.stride == (stride, stride)
    assert depthwise.groups == depthwise.out_channels == mid
    assert block.has_skip is skip
    assert any(isinstance(m, nn.Hardswish) for m in block.modules()) is hard
    gates = [m for m in block.modules() if isinstance(m, SqueezeExcite)]
    assert [g.gate[1].out_channels for g in gates] == ([squeeze] if squeeze else [])
    assert n_params(block) == params
    shape = (1, c_in, side * stride, side * stride)
    assert block(torch.zeros(shape)).shape == (1, c_out, side, side)
    assert count_macs(block, shape) == expected_macs


def test_c2_has_the_tables_number_of_blocks():
    assert len(EEEANet(EEEA_NET_C2, 14).blocks) == len(TABLE)


def test_c2_stem_expand_and_mix():
    net = EEEANet(EEEA_NET_C2, 14)
    assert (n_params(net.stem), count_macs(net.stem, (1, 3, 224, 224))) == (464, 5_419_008)
    assert (n_params(net.final_expand), count_macs(net.final_expand, (1, 160, 7, 7))) == (155_520, 7_526_400)
    assert (n_params(net.feature_mix), count_macs(net.feature_mix, (1, 960, 1, 1))) == (1_228_800, 1_228_800)
    assert n_params(net.classifier) == 1281 * 14


def test_c2_has_the_originals_layers():
    net = EEEANet(EEEA_NET_C2, 14)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert (len(convs), len(norms), sum(n.num_features for n in norms)) == (81, 58, 15_456)
    assert {(n.eps, n.momentum) for n in norms} == {(1e-5, 0.1)}
    assert sum(t.numel() for t in net.state_dict().values()) == 4_763_808


def test_features_are_the_final_expand():
    model = build("eeea_net_c2", ("a", "b"), 224).eval()
    with torch.no_grad():
        assert model.forward_features(torch.rand(1, 1, 224, 224)).shape == (1, 960, 7, 7)


def test_gate_against_its_formula():
    torch.manual_seed(0)
    block, x = SqueezeExcite(16).eval(), torch.randn(2, 16, 5, 5)
    reduce, expand = block.gate[1], block.gate[3]
    hidden = torch.relu(x.mean((2, 3)) @ reduce.weight.flatten(1).T + reduce.bias)
    gate = (hidden @ expand.weight.flatten(1).T + expand.bias + 3).clamp(0, 6) / 6
    torch.testing.assert_close(block(x), x * gate[:, :, None, None])


def test_head_against_its_formula():
    torch.manual_seed(0)
    net, features = EEEANet(EEEA_NET_C2, 14).eval(), torch.randn(2, 960, 7, 7)
    mixed = features.mean((2, 3)) @ net.feature_mix[0].weight.flatten(1).T
    expected = net.classifier(mixed * (mixed + 3).clamp(0, 6) / 6)
    torch.testing.assert_close(net.forward_head(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("value", "expected"), [(8, 8), (12, 16), (11, 16), (84, 88), (60, 64), (18, 24), (3, 8)])
def test_make_divisible(value, expected):
    assert make_divisible(value) == expected


def test_a_fresh_network_neither_explodes_nor_dies():
    torch.manual_seed(0)
    model = build("eeea_net_c2", ("a",), 64).train()
    with torch.no_grad():
        features = model.forward_features(torch.rand(16, 1, 64, 64))
        logits = model(torch.rand(16, 1, 64, 64))
    assert 0.1 < features.std() < 3
    assert 1e-3 < logits.std() < 3
