"""Weights in fewer bits: what rounding may cost, and that only weights are rounded."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from cxrkd.runtime.quantise import LEVELS, lighten, rounded


def test_no_value_moves_by_more_than_half_a_step_of_its_own_channel():
    rng = np.random.default_rng(0)
    w = rng.normal(0, 1, (6, 3, 3, 3)).astype(np.float32) * 10.0 ** np.arange(-3, 3)[:, None, None, None]
    q, scale = rounded(w.astype(np.float32), 0)
    assert q.dtype == np.int8
    error = np.abs(q * scale - w).reshape(6, -1).max(1)
    largest = np.abs(w).reshape(6, -1).max(1)
    assert (error <= largest / LEVELS / 2 * 1.001).all()  # for the channel of 1e-3 as for that of 100


def test_a_channel_of_zeros_stays_one():
    q, scale = rounded(np.zeros((2, 4), np.float32), 0)
    assert not q.any()
    assert np.isfinite(scale).all()


@pytest.fixture
def model():
    """A convolution of 64 x 64 channels, a gemm, a small convolution, and a bias."""
    rng = np.random.default_rng(1)

    def stored(name, *shape):
        return numpy_helper.from_array(rng.normal(0, 1, shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "small"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Conv", ["a", "large", "bias"], ["b"], kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "line"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [
            stored("small", 64, 1, 3, 3),
            stored("large", 64, 64, 1, 1),
            stored("line", 64, 5),
            numpy_helper.from_array(np.ones(64, np.float32), "bias"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def answer(model, options=None):
    x = np.random.default_rng(2).random((1, 1, 8, 8), np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_large_arrays_go_to_8_bits_others_to_half_and_small_ones_stay(model):
    expected, before = answer(model), len(model.SerializeToString())
    assert lighten(model, large=4096) == (1, 2)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {
        "large.int8": TensorProto.INT8,
        "large.scale": TensorProto.FLOAT,
        "small.half": TensorProto.FLOAT16,
        "line.half": TensorProto.FLOAT16,
        "bias": TensorProto.FLOAT,
    }
    onnx.checker.check_model(model)
    assert len(model.SerializeToString()) < 0.4 * before
    np.testing.assert_allclose(answer(model), expected, atol=0.02 * np.abs(expected).max())


def test_a_runtime_multiplies_out_once_when_it_loads(model, tmp_path):
    lighten(model, large=4096)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    answer(model, options)
    kinds = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert not {"Cast", "Mul", "DequantizeLinear"} & kinds
