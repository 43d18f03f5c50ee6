"""A program of PyTorch's own, which plain PyTorch runs without the code of any network."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

from cxrkd.errors import EngineError
from cxrkd.export.target import TARGETS, Answers, Script, Target

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from cxrkd.models.classifier import Classifier

FILE = "network.pt2"
_WHERE_FROM = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")
"""What the tracer notes of each operator: paths of this machine, and names of our modules."""


def write(model: Classifier, folder: Path) -> None:
    """Write `network.pt2`: operators as JSON, weights as bytes, nothing pickled; (batch, 1, S, S) -> logits (batch, K).

    Raises:
        EngineError: PyTorch cannot trace the network.
    """
    import torch

    from cxrkd.models.tracing import TRACING
    from cxrkd.runtime.export import traceable

    twin, example, shapes = traceable(model)
    try:
        with TRACING:
            program = torch.export.export(twin, (example,), dynamic_shapes=shapes)
    except Exception as error:  # the tracer's own errors share no base class
        raise EngineError(f"{model.arch} cannot be traced by PyTorch ({type(error).__name__}: {error}).") from error
    _forget_sources(program)
    file = io.BytesIO()  # to a path, PyTorch's writer ends the whole process where the disk is full
    torch.export.save(program, file)
    (folder / FILE).write_bytes(file.getbuffer())


def _forget_sources(program: Any) -> None:
    for node in program.graph.nodes:
        for key in _WHERE_FROM:
            node.meta.pop(key, None)
    program._example_inputs = None  # they would be pickled


def answers(folder: Path) -> Answers:
    """What the program answers in plain PyTorch."""
    import torch

    return partial(_run, torch.export.load(folder / FILE).module())


def _run(network: Any, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.inference_mode():
        logits: np.ndarray = network(torch.from_numpy(x)).numpy()
    return logits


TARGETS.register(
    Target(
        name="torch",
        title="PyTorch program",
        sentence="The exported program of PyTorch (.pt2) in float32; plain PyTorch runs it, or compiles it further.",
        source="docs.pytorch.org, torch.export",
        needs=("torch",),
        write=write,
        answers=answers,
        script=Script(
            loads="import torch",
            asks=f'torch.export.load(HERE / "{FILE}").module()(torch.from_numpy(x)).detach().numpy()[0]',
            packages=("torch",),
        ),
    )
)
