"""What this processor allows: a network's multiply-adds as products of matrices, and its numbers once through memory.

The roofline of Williams et al., CACM 2009: no network ends before its arithmetic is done at the rate of a plain matrix
product, nor, unless they stay in caches, before weights and what passes between layers were read and written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cxrkd.answers.engines import probe
from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Section, compare
from cxrkd.bench.timing import Measure, Timing, interleave, stopwatch
from cxrkd.cost.count import count_macs, count_moved
from cxrkd.errors import EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.runtime.export import require
from cxrkd.runtime.protocol import REFERENCE, default_threads
from cxrkd.runtime.select import build_engine, fastest

SIDE = 1024
"""Of the matrices: large enough that a product runs at its full rate, small enough for the caches."""
COPIED = 1 << 27
"""Bytes that are copied to see how fast memory is: more than a processor keeps."""


@dataclass(frozen=True)
class Precision:
    """A kind of arithmetic: bytes of a number, and how one product of matrices (SIDE, SIDE) is done in it."""

    bytes: int
    product: Callable[[int], Callable[[], object]]


def roofline(plan: Plan) -> Iterator[Section]:
    """The student on its best engine against the least that it could take, in each precision."""
    model, size = plan.student, plan.student.input_size
    engine, _ = fastest(model, probe(size))
    giant = build_engine(plan.giant, REFERENCE)
    products, missing = _products()
    timed = interleave(
        {
            "ours": stopwatch(lambda: engine.predict(plan.x)),
            "giant": stopwatch(lambda: giant.predict(plan.x)),
            "copy": _copying(),
            **products,
        },
        plan.rounds["roofline"],
    )
    for name in products:
        yield _section(name, f"{model.arch} at {model.works_at} px on {engine.name}", model, timed, plan.giant, missing)


def _section(
    name: str,
    ours: str,
    model: Classifier,
    timed: Mapping[str, Timing],
    giant: Classifier,
    missing: Mapping[str, str],
) -> Section:
    shape = (1, 1, model.input_size, model.input_size)
    macs, moved = count_macs(model, shape), count_moved(model, shape) * PRECISIONS[name].bytes
    arithmetic = _scaled(timed[name], macs / SIDE**3)
    memory = _scaled(timed["copy"], moved / (2 * COPIED))
    bound = max(arithmetic, memory, key=lambda timing: timing.median_ms)
    return compare(
        f"Student against what {name} allows",
        (ours, timed["ours"]),
        (
            f"{'arithmetic' if bound is arithmetic else 'memory'} alone, {macs / 1e9:.3f} G multiply-adds in {name}",
            bound,
        ),
        detail={
            "G_multiply_adds_a_second": SIDE**3 / timed[name].median_ms / 1e6,
            "GB_a_second": 2 * COPIED / timed["copy"].median_ms / 1e6,
            "MB_moved": moved / 1e6,
            "ms": {"arithmetic": arithmetic.median_ms, "memory": memory.median_ms},
            f"times_faster_than_{giant.arch}": {
                "student": timed["giant"].median_ms / timed["ours"].median_ms,
                "at most": timed["giant"].median_ms / bound.median_ms,
            },
            **({"not_available": dict(missing)} if missing else {}),
        },
        remark=f"A ratio of 1 is the roof of this processor in {name}, unless numbers stay in its caches.",
    )


def _scaled(timing: Timing, factor: float) -> Timing:
    return Timing(tuple(ms * factor for ms in timing.rounds_ms), timing.median_ms * factor, timing.n)


def _copying() -> Measure:
    source = np.ones(COPIED, np.uint8)
    target = np.empty_like(source)
    return stopwatch(lambda: np.copyto(target, source))


def _products() -> tuple[dict[str, Measure], dict[str, str]]:
    """One product of matrices in each precision that can be had, and why the others cannot."""
    made: dict[str, Measure] = {}
    missing: dict[str, str] = {}
    for name, precision in PRECISIONS.items():
        try:
            made[name] = stopwatch(precision.product(default_threads()))
        except EngineError as error:
            missing[name] = str(error)
    return made, missing


def _numbers() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)


def _float_product(precision: str) -> Callable[[int], Callable[[], object]]:
    """By OpenVINO, whose kernels are the quickest here."""

    def made(threads: int) -> Callable[[], object]:
        require("openvino")
        import openvino
        from openvino import opset13

        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise EngineError("this CPU has no bfloat16 instructions")
        rows = opset13.parameter([SIDE, SIDE], np.float32)
        product = opset13.matmul(rows, opset13.constant(_numbers()), False, False)
        how = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        request = core.compile_model(openvino.Model([product], [rows]), "CPU", how).create_infer_request()
        x = _numbers()
        return lambda: request.infer({0: x}, share_inputs=True)

    return made


def _integer_product(threads: int) -> Callable[[], object]:
    """Of unsigned and signed bytes, summed in 32 bits, by ONNX Runtime: AVX-512 VNNI where the processor has it."""
    require("onnx", "onnxruntime")
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.integers(-127, 128, (SIDE, SIDE), np.int8), "weights")
    x = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "weights"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, x.shape)],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


PRECISIONS = {
    "float32": Precision(4, _float_product("f32")),
    "bfloat16": Precision(2, _float_product("bf16")),
    "8 bits": Precision(1, _integer_product),
}
