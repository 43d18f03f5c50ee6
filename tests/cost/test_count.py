"""Counts against closed forms, torchvision's tables and fvcore."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torchvision
from torch import nn

from cxrkd.cost.count import count, count_macs, count_moved
from cxrkd.errors import ConfigError
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.tracing import TRACING
from cxrkd.models.weights import save_weights
from cxrkd.models.zoo import build, list_archs


def vit_macs(size, patch, width, depth, n_labels):
    """Patch embedding; per block qkv, projection, two products of attention, two MLP layers; classifier."""
    patches = (size // patch) ** 2
    tokens = patches + 1
    block = tokens * width * width * (3 + 1 + 4 + 4) + 2 * tokens * tokens * width
    return patches * width * 3 * patch * patch + depth * block + width * n_labels


@pytest.mark.parametrize("size", [64, 224])
def test_a_vit_against_the_closed_form(size):
    model = build("vit_small_patch16_224", CHESTXRAY14, size)
    assert count(model).macs == vit_macs(size, 16, 384, 12, 14)


def test_a_vit_at_another_size_than_its_own():
    assert count(build("vit_small_patch16_224", CHESTXRAY14, 224), 96).macs == vit_macs(96, 16, 384, 12, 14)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("densenet121", "DenseNet121_Weights"),
        ("vit_b_16", "ViT_B_16_Weights"),  # nn.MultiheadAttention, whose fused path hides a third of it
        ("swin_t", "Swin_T_Weights"),
    ],
)
def test_against_torchvisions_table(name, weights):
    with torch.device("meta"):
        network = getattr(torchvision.models, name)()
    listed = getattr(torchvision.models, weights).IMAGENET1K_V1.meta["_ops"]  # in 1e9, three decimals
    assert count_macs(network, (1, 3, 224, 224)) / 1e9 == pytest.approx(listed, abs=1.1e-3)


def test_attention_is_counted_whatever_runs_it():
    attention = nn.MultiheadAttention(64, 4, batch_first=True)
    block = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    products = 2 * 10 * 10 * 64
    assert count_macs(_SelfAttention(attention), (1, 10, 64)) == 10 * 64 * 64 * 4 + products
    assert count_macs(block, (1, 10, 64)) == 10 * 64 * 64 * 4 + products + 2 * 10 * 64 * 128
    assert count_macs(_Fused(), (1, 2, 10, 32)) == products


class _SelfAttention(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, x):
        return self.attention(x, x, x)[0]


class _Fused(nn.Module):
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x)


@pytest.mark.parametrize("arch", list_archs())
def test_every_network_against_fvcore(arch):
    """Its "flops" are multiply-adds; it cannot look into fused attention, so its copy has the plain one."""
    fvcore = pytest.importorskip("fvcore.nn")
    model = build(arch, CHESTXRAY14, 64).eval()
    twin = copy.deepcopy(model)
    for part in twin.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    analysis = fvcore.FlopCountAnalysis(twin, torch.zeros(1, 1, 64, 64))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = analysis.by_operator()
    products = ("conv", "linear", "matmul", "bmm", "baddbmm", "einsum")  # the last: MaxViT's tables of positions
    assert count(model).macs == sum(by_operator[name] for name in products)


@pytest.mark.parametrize(
    ("arch", "millions", "giga"),
    [
        ("densenet161", 26.503, 7.726),
        ("densenet121", 6.968, 2.833),
        ("efficientnet_b0", 4.025, 0.385),
        ("mobilenetv3_large_100", 4.220, 0.215),
        ("mobilenetv3_small_100", 1.532, 0.056),
        ("mobilenetv2_100", 2.242, 0.300),
        ("resnet18", 11.184, 1.814),
        ("resnet50", 23.537, 4.087),
    ],
)
def test_known_networks_with_fourteen_labels(arch, millions, giga):
    cost = count(build(arch, CHESTXRAY14))
    assert cost.params / 1e6 == pytest.approx(millions, abs=6e-4)
    assert cost.macs / 1e9 == pytest.approx(giga, abs=6e-4)
    assert cost.flops == 2 * cost.macs


@pytest.mark.parametrize(
    ("arch", "size", "millions", "giga"),
    [
        # timm's results-imagenet.csv; multiply-adds of the papers, and of timm's cards where those give one digit.
        ("efficientnet_lite0", 224, 4.65, 0.41),
        ("ghostnet_100", 224, 5.18, 0.142),
        ("mnasnet_small", 224, 2.03, 0.07),
        ("mobilevit_xxs", 256, 1.27, 0.42),
        ("visformer_small", 224, 40.22, 4.9),
    ],
)
def test_known_networks_with_the_thousand_labels_of_imagenet(arch, size, millions, giga):
    cost = count(build(arch, tuple(map(str, range(1000))), size))
    assert cost.params / 1e6 == pytest.approx(millions, abs=6e-3)
    assert cost.macs / 1e9 == pytest.approx(giga, rel=0.07)


def test_what_a_layer_reads_and_writes_is_counted_once():
    """A convolution of 3 x 3 from 2 to 5 maps of 8 x 8 with a bias, then a linear layer of 320 to 7 numbers."""
    net = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(320, 7))
    convolution = 2 * 64 + 5 * 2 * 9 + 5 + 5 * 64
    linear = 320 + 320 * 7 + 7 + 7
    assert count_moved(net, (1, 2, 8, 8)) == convolution + linear


def test_sizes_are_those_of_files(tmp_path):
    model = build("eeea_net_c2", CHESTXRAY14)
    cost = count(model)
    save_weights(model, tmp_path / "w.safetensors")
    assert cost.size_mb == pytest.approx(4 * (4_732_838 + 2 * 15_456) / 1e6)
    header = 0.1
    assert 0 < (tmp_path / "w.safetensors").stat().st_size / 1e6 - cost.size_f16_mb < header
    assert cost.to_dict()["params"] == 4_732_838


def test_a_size_the_network_does_not_take():
    with pytest.raises(ConfigError, match="built for 64 pixels, cannot be counted at 96"):
        count(build("swin_tiny_patch4_window7_224", CHESTXRAY14, 64), 96)


def test_counting_leaves_the_model_alone():
    model = build("vit_small_patch16_224", CHESTXRAY14, 32).train()
    fused = [m.fused_attn for m in model.modules() if hasattr(m, "fused_attn")]
    count(model)
    assert model.training
    assert [m.fused_attn for m in model.modules() if hasattr(m, "fused_attn")] == fused
    assert {p.device.type for p in model.parameters()} == {"cpu"}


def test_two_threads_count_apart():
    """Other threads' forward passes must not leak into a count."""
    models = [build(arch, ("a",), 32).eval() for arch in ("mobilenetv3_small_100", "eeea_net_c1")]
    expected = [count(m).macs for m in models]
    barrier = threading.Barrier(4)

    def task(i):
        barrier.wait()
        with torch.no_grad():
            models[i % 2](torch.zeros(1, 1, 32, 32))
        return count(models[i % 2]).macs

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(task, range(4))) == [expected[i % 2] for i in range(4)]


def test_counting_waits_for_an_export_in_another_thread():
    """Both trace; PyTorch's tracers fail on each other's notes when they run at once."""
    done = threading.Event()
    worker = threading.Thread(target=lambda: (count(build("eeea_net_c1", ("a",), 32)), done.set()))
    with TRACING:
        worker.start()
        assert not done.wait(1.0)
    assert done.wait(30)
    worker.join()
