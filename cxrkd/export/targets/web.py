"""A folder that any static host can hold: the network and its maps in a visitor's browser, offline too.

The graph answers and shows where in one pass (`cxrkd.runtime.mapped`); its weights are light
(`cxrkd.runtime.quantise`). Around it stand the app of `assets/web`, the runtime that it carries, and the coefficients
of the gate.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxrkd.export.target import TARGETS, Bounds, Target
from cxrkd.export.targets.onnx import FILE as NETWORK
from cxrkd.export.targets.onnx import SCRIPT

if TYPE_CHECKING:
    from cxrkd.config import Member
    from cxrkd.models.classifier import Classifier
    from cxrkd.runs import Run


def write(model: Classifier, folder: Path) -> None:
    """The app with this network, complete but for what a run knows of it (`cxrkd.export.browser.write_run`).

    Args:
        model: not changed.
        folder: made where it is missing; files of these names are replaced.

    Raises:
        EngineError: the network cannot be expressed with its maps in the graph.
        GateError: the coefficients of the gate are missing or damaged.
    """
    from cxrkd.export.browser import APP, ICON, list_files, write_house
    from cxrkd.images.gate import COEFFICIENTS, load_gate

    write_network(model, folder / NETWORK)  # first: it may be refused
    load_gate()  # refuses damaged coefficients
    shutil.copytree(APP, folder, dirs_exist_ok=True)
    for path in (COEFFICIENTS, ICON):
        shutil.copyfile(path, folder / path.name)
    write_house(model.labels, model.input_size, folder)
    list_files(folder)


def tell(run: Run, member: Member, folder: Path) -> None:
    """What the run knows of the network: thresholds, figures, what strong evidence is.

    Raises:
        RunError: its figures or reference maps are damaged.
    """
    from cxrkd.export.browser import write_run

    write_run(run, member, folder)


def write_network(model: Classifier, path: Path) -> None:
    """The graph alone: "image" float32 (1, 1, S, S) in, "logits" (1, K) and "maps" (1, K, h, w), raw and signed, out.

    Raises:
        EngineError: the network cannot be expressed with its maps in the graph.
    """
    import copy

    import onnx
    import torch

    from cxrkd.atomic import replacing
    from cxrkd.checksums import seal
    from cxrkd.runtime.export import require, traced
    from cxrkd.runtime.mapped import with_maps
    from cxrkd.runtime.quantise import lighten

    require("onnx", "onnxscript")
    twin = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    example = torch.zeros(1, 1, model.input_size, model.input_size)
    proto = traced(with_maps(twin), model, ("logits", "maps"), example).model_proto
    lighten(proto)
    with replacing(path) as part:
        onnx.save(proto, str(part))
        seal(part)


def answers(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What the written graph answers: films float32 (B, 1, S, S) in [0, 1] -> logits float32 (B, K).

    Raises:
        EngineError: onnxruntime is missing.
    """
    ask = answers_with_maps(folder)
    return lambda films: ask(films)[0]


def answers_with_maps(folder: Path) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """`answers`, and the maps (B, K, h, w) beside the logits.

    Raises:
        EngineError: onnxruntime is missing.
    """
    from cxrkd.runtime.export import require

    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / NETWORK), options, providers=["CPUExecutionProvider"])

    def ask(films: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        each = [session.run(["logits", "maps"], {"image": film[None]}) for film in films.astype(np.float32)]
        return np.concatenate([one[0] for one in each]), np.concatenate([one[1] for one in each])

    return ask


TARGETS.register(
    Target(
        name="web",
        title="Browser",
        sentence="A folder for any static host: answers and maps in a visitor's browser or on a phone, offline too.",
        source="onnxruntime-web",
        needs=("onnx", "onnxscript", "onnxruntime"),
        write=write,
        tell=tell,
        answers=answers,
        bounds=Bounds(prob=0.01, auroc=0.002),
        batch=1,
        script=SCRIPT,
    )
)
