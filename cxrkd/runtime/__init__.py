"""Inference engines behind one protocol, and the choice among them."""

from typing import TYPE_CHECKING

from cxrkd.lazy import lazily
from cxrkd.runtime.protocol import ENGINES, Engine, EngineEntry

if TYPE_CHECKING:
    from cxrkd.runtime.export import export_onnx
    from cxrkd.runtime.select import TOLERANCE, EngineReport, build_engine, compare_engines, fastest, worst_change
else:
    __getattr__ = lazily(
        __name__,
        export=("export_onnx",),
        select=("TOLERANCE", "EngineReport", "build_engine", "compare_engines", "fastest", "worst_change"),
    )

__all__ = [
    "ENGINES",
    "TOLERANCE",
    "Engine",
    "EngineEntry",
    "EngineReport",
    "build_engine",
    "compare_engines",
    "export_onnx",
    "fastest",
    "worst_change",
]
