"""Every form to take away: what it holds, what it answers, and that the same network gives the same bytes."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from cxrkd.export.parity import in_pytorch
from cxrkd.export.target import TARGETS
from cxrkd.export.targets import int8
from cxrkd.export.weights8 import SMALLEST, keep_in_8_bits, kernels_of
from cxrkd.models.weights import fingerprint
from cxrkd.models.zoo import build
from cxrkd.places import CHECKOUT
from cxrkd.runtime.quantise import rounded
from tests import toys

NAMES = [name for name, target in TARGETS.items() if target.batch is None]


@pytest.fixture(scope="module")
def model(run):
    return run.load_model("distilled")


@pytest.fixture(scope="module")
def written(model, tmp_path_factory, own_home):
    made = {}

    def write(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            TARGETS[name].write(model, made[name])
        return made[name]

    return write


@pytest.mark.parametrize("name", NAMES)
def test_a_file_answers_as_the_network_does_whatever_the_batch(name, written, model, films):
    before, answers = fingerprint(model), TARGETS[name].answers(written(name))
    x = films.inputs()
    expected = in_pytorch(model)(x)
    assert expected.std(0).min() > 0.01, "a network that answers all films alike would prove nothing"
    for n in (1, 2, 7):
        got = answers(x[:n])
        assert (got.shape, got.dtype) == ((n, 14), np.float32)
        # Only weights in 8 bits may move a probability, by their bound.
        bound = TARGETS[name].bounds.prob * 4 if name == "int8" else 1e-4
        np.testing.assert_allclose(got, expected[:n], rtol=0, atol=bound)
    assert fingerprint(model) == before


@pytest.mark.parametrize("name", NAMES)
def test_the_same_network_gives_the_same_bytes_and_none_of_this_machine(name, written, model, tmp_path):
    TARGETS[name].write(model, tmp_path)
    first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in (written(name), tmp_path))
    assert first == second
    for data in first.values():
        for known in (str(CHECKOUT), torch.__path__[0], "site-packages", ".py", "cxrkd/", "cxrkd.models"):
            assert known.encode() not in data


def test_weights_in_8_bits_are_near_by_half_a_step_for_each_channel():
    weight = np.random.default_rng(0).normal(0, 1, (5, 7, 3, 3)).astype(np.float32) * np.float32(
        [[[[1e-3]]], [[[1]]], [[[50]]], [[[0]]], [[[-2]]]]
    )
    bits, scale = rounded(weight, 0)
    assert (bits.dtype, bits.shape, scale.shape) == (np.int8, weight.shape, (5, 1, 1, 1))
    assert np.abs(bits).max(axis=(1, 2, 3)).tolist() == [127, 127, 127, 0, 127]
    assert (np.abs(bits * scale - weight) <= scale / 2 * (1 + 1e-5)).all()
    across, scales = rounded(weight[:, :, 0, 0], 1)
    assert scales.shape == (1, 7)
    np.testing.assert_array_equal(across.T, rounded(weight[:, :, 0, 0].T, 0)[0])


def test_large_kernels_are_in_8_bits_small_ones_as_they_were(written):
    before, after = (onnx.load(str(written(name) / "network.onnx")) for name in ("onnx", "int8"))
    kernels = {t.name: numpy_helper.to_array(t) for t in before.graph.initializer}
    kept = {t.name: numpy_helper.to_array(t) for t in after.graph.initializer}
    large = {n.input[1] for n in before.graph.node if n.op_type in ("Conv", "Gemm", "MatMul")}
    large = {name for name in large if name in kernels and kernels[name].size >= SMALLEST}
    assert len(large) == 2 < len(kernels)
    assert {name.removesuffix(".int8") for name in kept if name.endswith(".int8")} == large
    for name in large:
        scale = kept[f"{name}.scale"]
        assert np.abs(kept[f"{name}.int8"] * scale - kernels[name]).max() <= scale.max() / 2 * (1 + 1e-5)
    assert not large & kept.keys()
    for name, bits in kept.items():
        if name in kernels:
            np.testing.assert_array_equal(bits, kernels[name])
    assert any(name in kept and kernels[name].ndim == 4 for name in kernels), "the first kernel"


def test_a_file_with_weights_in_8_bits_is_about_a_quarter(written):
    sizes = {name: (written(name) / "network.onnx").stat().st_size for name in ("onnx", "int8")}
    assert sizes["int8"] < 0.35 * sizes["onnx"]


def graph_of(nodes, constants, x, y):
    """A model of these nodes from "image" to "y", of these shapes."""
    sides = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in (("image", x), ("y", y))]
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", sides[:1], sides[1:], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_kernels_that_are_used_in_two_ways_or_are_none_stay_as_they_are():
    """A matrix that is also added, one that is multiplied from the left, and a Gemm's of either layout."""
    big = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["image", "both"], ["a"]),
        helper.make_node("Add", ["a", "both"], ["b"]),
        helper.make_node("MatMul", ["left", "b"], ["c"]),
        helper.make_node("Gemm", ["c", "straight"], ["d"]),
        helper.make_node("Gemm", ["d", "turned"], ["y"], transB=1),
    ]
    constants = dict.fromkeys(("both", "left", "straight", "turned"), big)
    network = graph_of(nodes, constants, [64, 64], [64, 64])
    assert {name: one.axis for name, one in kernels_of(network.graph).items()} == {"straight": 1, "turned": 0}


def ran(network, x):
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": x})[0]


@pytest.mark.parametrize("groups", [1, 2, 32])
@pytest.mark.parametrize("biased", [True, False])
def test_what_rounding_adds_on_average_is_taken_out_of_the_bias(groups, biased):
    """Without borders the mean of each output over films and places is then as it was, but for rounding in float32."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 1, (64, 32 // groups, 12, 12)).astype(np.float32)
    constants = {"w": kernel} | ({"b": rng.normal(size=64).astype(np.float32)} if biased else {})
    node = helper.make_node("Conv", ["image", *constants], ["y"], group=groups, kernel_shape=[12, 12])
    network = graph_of([node], constants, ["n", 32, 12, 12], ["n", 64, 1, 1])
    x = rng.random((7, 32, 12, 12)).astype(np.float32) + np.arange(32, dtype=np.float32)[None, :, None, None]
    # Equal over places, so that an error at one place weighs as at another, which the formula takes for granted.
    x = np.broadcast_to(x.mean((2, 3), keepdims=True), x.shape).copy()
    before = ran(network, x)
    keep_in_8_bits(network, x)
    after = ran(network, x)
    plain = graph_of([node], constants, ["n", 32, 12, 12], ["n", 64, 1, 1])
    bits, scale = rounded(kernel, 0)
    plain.graph.initializer[0].CopyFrom(numpy_helper.from_array((bits * scale).astype(np.float32), "w"))
    uncorrected = np.abs((ran(plain, x) - before).mean((0, 2, 3))).max()
    assert np.abs((after - before).mean((0, 2, 3))).max() < 0.01 * uncorrected


@pytest.mark.parametrize("turned", [0, 1])
def test_a_gemms_bias_is_shifted_in_either_layout(turned):
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(96, 64)).astype(np.float32)
    constants = {"w": matrix.T.copy() if turned else matrix, "b": np.zeros(64, np.float32)}
    node = helper.make_node("Gemm", ["image", "w", "b"], ["y"], transB=turned)
    network = graph_of([node], constants, ["n", 96], ["n", 64])
    x = rng.random((9, 96)).astype(np.float32) + 5
    before = ran(network, x)
    keep_in_8_bits(network, x)
    after = ran(network, x)
    np.testing.assert_allclose(after.mean(0), before.mean(0), atol=1e-3)
    assert np.abs(after - before).max() > 1e-3, "single films do move"


@pytest.mark.slow
def test_another_kind_of_network_can_be_kept_in_8_bits(tmp_path, monkeypatch):
    """With matrices that are multiplied from the right, beside depthwise kernels."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    network = build("convnext_tiny", ("a", "b"), 64).eval()
    int8.write(network, tmp_path)
    x = np.random.default_rng(0).random((3, 1, 64, 64), np.float32)
    expected, got = in_pytorch(network)(x), int8.answers(tmp_path)(x)
    np.testing.assert_allclose(got, expected, atol=0.1)


def test_a_disk_that_is_full_is_an_error_and_does_not_end_the_process(tmp_path):
    """PyTorch's own writer of files aborts."""
    (tmp_path / "network.pt2").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        TARGETS["torch"].write(toys.make_staged().eval(), tmp_path)
