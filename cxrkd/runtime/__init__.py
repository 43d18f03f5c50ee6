"""Inference engines behind one protocol, and the choice among them."""

from cxrkd.runtime.export import export_onnx
from cxrkd.runtime.protocol import ENGINE_NAMES, ENGINES, Engine
from cxrkd.runtime.select import TOLERANCE, EngineReport, build_engine, compare_engines, fastest, worst_change

__all__ = [
    "ENGINES",
    "ENGINE_NAMES",
    "TOLERANCE",
    "Engine",
    "EngineReport",
    "build_engine",
    "compare_engines",
    "export_onnx",
    "fastest",
    "worst_change",
]
