"""Every engine against the network itself."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import timm
import torch

from cxrkd.errors import AnswerError, EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.models.eeea_net import EEEA_NET_C1, EEEANet
from cxrkd.models.timm_backbone import ChannelsLastBackbone, ViTBackbone
from cxrkd.models.zoo import build
from cxrkd.runtime.protocol import ENGINES
from cxrkd.runtime.select import build_engine

EXACT = [name for name in ENGINES if name != "openvino-bf16"]


@pytest.fixture(scope="module")
def engines(model):
    built = {}
    for name in ENGINES:
        try:
            built[name] = build_engine(model, name, threads=1)
        except EngineError:
            assert name == "openvino-bf16"  # the only one that depends on the CPU
    return built


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("batch", [1, 2, 4, 7])
def test_logits_are_pytorchs(engines, images, expected, name, batch):
    got = engines[name].predict(images[:batch])
    assert got.dtype == np.float32
    assert got.shape == (batch, 3)
    np.testing.assert_allclose(got, expected[:batch], rtol=1e-4, atol=1e-5)


def test_bfloat16_is_near(engines, images, expected):
    if "openvino-bf16" not in engines:
        pytest.skip("this CPU has no bfloat16")
    for batch in (1, 7):
        np.testing.assert_allclose(engines["openvino-bf16"].predict(images[:batch]), expected[:batch], atol=0.1)


@pytest.mark.parametrize("name", EXACT)
def test_four_threads_on_one_engine(engines, images, expected, name):
    """Each caller gets the answer to its own images, in batches of both kinds."""
    engine = engines[name]

    def task(i):
        start, size = i % 2, 1 + i % 6
        return start, size, engine.predict(images[start : start + size])

    with ThreadPoolExecutor(4) as pool:
        for start, size, got in pool.map(task, range(80)):
            np.testing.assert_allclose(got, expected[start : start + size], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_answers_stay_valid_after_the_next_call(engines, images, expected, name):
    first = engines[name].predict(images[:1])
    engines[name].predict(images[1:2])
    np.testing.assert_allclose(first, expected[:1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_layouts_and_types_of_the_input(engines, images, expected, name):
    flipped = images[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1]  # not contiguous
    np.testing.assert_allclose(engines[name].predict(flipped), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(engines[name].predict(images.astype(np.float64)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(
    "x",
    [
        np.zeros((1, 1, 8, 8), np.float32),
        np.zeros((1, 3, 16, 16), np.float32),
        np.zeros((16, 16), np.float32),
        np.zeros((0, 1, 16, 16), np.float32),
        np.zeros((1, 1, 16, 16), np.uint8),
    ],
    ids=["size", "colour", "no batch", "empty", "bytes"],
)
def test_what_is_not_a_batch_is_refused(engines, name, x):
    with pytest.raises(ValueError, match=r"expected float images \(B, 1, 16, 16\)"):
        engines[name].predict(x)


def test_an_engine_keeps_the_weights_it_was_built_with(images):
    torch.manual_seed(0)
    model = build("mobilenetv3_small_100", ("a",), 32).train()
    engine = build_engine(model, "pytorch", threads=1)
    x = np.random.default_rng(0).random((2, 1, 32, 32), np.float32)
    before = engine.predict(x)
    assert model.training, "building an engine must not switch the model's mode"
    model(torch.rand(4, 1, 32, 32))  # moves the running statistics
    model.backbone.net.classifier.bias.data += 1
    np.testing.assert_array_equal(engine.predict(x), before)


def test_the_thread_count_of_the_process_is_restored(model, images):
    before = torch.get_num_threads()
    engine = build_engine(model, "pytorch", threads=before + 1)
    engine.predict(images)
    assert torch.get_num_threads() == before


def test_an_unknown_engine_is_answered_with_the_list(model):
    with pytest.raises(EngineError, match=r"Unknown engine 'tensorrt'.*pytorch, onnxruntime, openvino"):
        build_engine(model, "tensorrt")


def small_vit():
    net = timm.create_model("vit_small_patch16_224", img_size=32, num_classes=2, embed_dim=32, depth=2, num_heads=2)
    return ViTBackbone(net)


def small_swin():
    """Windows, shifted in every second block."""
    shape = {"embed_dim": 16, "depths": (2, 2), "num_heads": (1, 2), "window_size": 4}
    net = timm.create_model("swin_tiny_patch4_window7_224", img_size=32, num_classes=2, **shape)
    return ChannelsLastBackbone(net)


@pytest.mark.slow
@pytest.mark.parametrize("make", [small_vit, small_swin, lambda: EEEANet(EEEA_NET_C1, 2)], ids=["vit", "swin", "eeea"])
def test_networks_of_every_kind_run_everywhere(make):
    model = Classifier("kind", ("a", "b"), 32, make())
    x = np.random.default_rng(0).random((3, 1, 32, 32), np.float32)
    with torch.no_grad():
        model.train()(torch.from_numpy(x))
        expected = model.eval()(torch.from_numpy(x)).numpy()
    for name in EXACT:
        engine = build_engine(model, name, threads=1)
        np.testing.assert_allclose(engine.predict(x), expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(engine.predict(x[:1]), expected[:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", EXACT)
def test_answers_that_are_no_numbers_are_errors(model, name):
    """A film of ones too large for float32 stands for weights and films that overflow somewhere inside."""
    engine = build_engine(model, name, threads=1)
    with pytest.raises(AnswerError, match=rf"toy on {ENGINES[name].title} gave no number for Mass, Nodule, Edema:"):
        engine.predict(np.full((2, 1, 16, 16), np.inf, np.float32))


@pytest.mark.parametrize("name", EXACT)
def test_a_label_that_was_never_taught_is_nan_on_every_engine(model, images, name):
    partial = copy.deepcopy(model)
    with torch.no_grad():
        partial.backbone.head[-1].weight[1] = 0
        partial.backbone.head[-1].bias[1] = float("nan")
    logits = build_engine(partial, name, threads=1).predict(images)
    assert np.isnan(logits[:, 1]).all()
    assert np.isfinite(logits[:, [0, 2]]).all()
