"""A network as one ONNX file, normalisation included, for any batch size."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from cxrkd.atomic import PART, replacing, sweep
from cxrkd.checksums import check, seal
from cxrkd.errors import EngineError
from cxrkd.models.classifier import Classifier, averaged_down
from cxrkd.models.tracing import TRACING
from cxrkd.models.weights import fingerprint
from cxrkd.places import home

if TYPE_CHECKING:
    from torch.onnx import ONNXProgram

T = TypeVar("T")
OpenSides = tuple[dict[int, torch.export.Dim], ...]
log = logging.getLogger(__name__)

OPSET = 20
CACHE_FORMAT = "4"
"""Part of a cached file's name; raise it when an export changes."""
CACHE_LIMIT = 24
"""Files kept in the cache; the ones unused for longest go."""
PARITY = 1e-4
"""Largest difference of a probability between the file and PyTorch that an export may have (measured: 1e-6)."""


def export_onnx(model: Classifier, path: Path) -> Path:
    """Write a network as ONNX and check it against PyTorch.

    Input "image" float32 (batch, 1, S, S) in [0, 1], output "logits" float32 (batch, K). The metadata names arch,
    labels and input size, and the checksum of the file. The weights are inside it.

    Args:
        model: not changed.
        path: the .onnx file; appears whole or not at all.

    Raises:
        EngineError: onnx, onnxscript or onnxruntime is missing, the network cannot be expressed in ONNX, or the file
            does not answer like PyTorch.
    """
    require("onnxruntime")
    with replacing(path) as part:
        _write(model, part)
        _check(model, part)
    return path


def from_cache(model: Classifier, load: Callable[[Path], T]) -> T:
    """What `load` makes of the network's ONNX file, which is exported and checked on first use.

    A file in the cache that is not what its checksum says, or cannot be loaded, is exported once more.

    Raises:
        EngineError: as `export_onnx`, or the fresh file cannot be loaded either.
    """
    path = _cached(model)
    try:
        if check(path):
            return load(path)
    except Exception as error:  # damage, or an error of the engine's own; a fresh file has the last word
        log.warning("%s is made again: %s", path.name, error)
    path.unlink(missing_ok=True)
    try:
        return load(_cached(model))
    except Exception as error:
        raise EngineError(f"The ONNX file of {model.arch} cannot be loaded ({error}).") from error


def cache_folder() -> Path:
    """Where exported networks are kept, and which engine was chosen for them."""
    return home() / "cache" / "engines"


def cache_path(model: Classifier) -> Path:
    """Where the network's ONNX file is kept, whether or not it is there."""
    return cache_folder() / f"{model.arch}-{fingerprint(model)[:24]}-{CACHE_FORMAT}.onnx"


def _cached(model: Classifier) -> Path:
    path = cache_path(model)
    folder = path.parent
    with TRACING:  # a second thread that wants the same file waits for it
        if path.exists():
            path.touch()
        else:
            sweep(folder, path.suffix)
            with replacing(path) as part:
                _write(model, part)
                _check(model, part)
            _prune(folder)
    return path


def require(*packages: str) -> None:
    """Refuse to go on without optional packages.

    Raises:
        EngineError: names the first one missing.
    """
    for package in packages:
        if find_spec(package) is None:
            raise EngineError(f"The package {package} is not installed: install it with `pip install {package}`.")


def _write(model: Classifier, path: Path) -> None:
    twin, example, shapes = traceable(model)
    program = traced(twin, model, ("logits",), example, shapes)
    program.save(str(path), external_data=False)
    seal(path)


def traced(
    network: nn.Module, model: Classifier, outputs: tuple[str, ...], example: Tensor, shapes: OpenSides | None = None
) -> ONNXProgram:
    """A module as an ONNX program with the metadata of the classifier that it was made of.

    Args:
        network: takes "image", float32 (batch, 1, S, S) in [0, 1].
        model: the classifier: for labels, size and messages.
        outputs: names of what `network` returns.
        example: an image.
        shapes: which of its sides stay open; None for those of the example.

    Raises:
        EngineError: onnx or onnxscript is missing, or the network cannot be expressed in ONNX.
    """
    require("onnx", "onnxscript")
    try:
        with TRACING, _quiet():
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                external_data=False,
                input_names=["image"],
                output_names=list(outputs),
                dynamic_shapes=shapes,
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # the exporter's own errors share no base class
        raise EngineError(f"{model.arch} cannot be written as ONNX ({type(error).__name__}: {error}).") from error
    if program is None:
        raise EngineError(f"PyTorch's exporter returned nothing for {model.arch}.")
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where each one comes from: paths of this machine, in half of the file's text
    program.model.metadata_props.update(_metadata(model))
    return program


def traceable(model: Classifier) -> tuple[nn.Module, Tensor, OpenSides]:
    """What a tracer is given: the network in evaluation, normalisation folded; an example; which sides stay open.

    Args:
        model: not changed.
    """
    twin = fold_normalisation(copy.deepcopy(model).cpu().float().eval().requires_grad_(False))
    example = torch.zeros(2, 1, model.input_size, model.input_size)  # a batch of one would be taken for a constant
    return twin, example, ({0: torch.export.Dim("batch")},)


class GreyNetwork(nn.Module):
    """A network whose first convolution takes the grey image and a channel of ones; see `fold_normalisation`."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.backbone, self.shrinks_to = model.backbone, model.shrinks_to

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of x, float32 (B, 1, H, W) in [0, 1]."""
        return self.backbone.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """What the head takes, as the classifier's own."""
        x = averaged_down(x, self.shrinks_to)
        return self.backbone.forward_features(torch.cat([x, torch.ones_like(x)], 1))


def fold_normalisation(model: Classifier) -> Classifier | GreyNetwork:
    """The same function without its first two steps, the normalisation and the copy to three channels.

    With x the grey image, the first convolution sees (x - mean_c) / std_c in channel c. It is linear, so

        sum_c W_c * (x - mean_c) / std_c  =  (sum_c W_c / std_c) * x  -  (sum_c W_c mean_c / std_c) * 1,

    a convolution of x and of an image of ones. Zero padding keeps this exact at the border, where a bias would not be.

    Args:
        model: changed, do not use it afterwards. One without exactly one convolution of three channels is returned.
    """
    first = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3 and m.groups == 1]
    if len(first) != 1 or first[0].padding_mode != "zeros":
        return model
    (conv,), scale = first, 1 / model.std.double()
    weight = conv.weight.double()
    folded = torch.stack([(weight * scale).sum(1), -(weight * scale * model.mean).sum(1)], 1)
    conv.weight, conv.in_channels = nn.Parameter(folded.float(), requires_grad=False), 2
    return GreyNetwork(model)


def _metadata(model: Classifier) -> dict[str, str]:
    return {
        "arch": model.arch,
        "labels": json.dumps(model.labels),
        "input_size": str(model.input_size),
        "input": "float32 (batch, 1, S, S), grey in [0, 1]; normalisation is inside",
        "output": "logits (batch, K); sigmoid of each gives the probability",
    }


def _check(model: Classifier, path: Path) -> None:
    """Hold the file against PyTorch on batches of one and three."""
    if find_spec("onnxruntime") is None:
        return
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    twin = copy.deepcopy(model).cpu().float().eval()
    images = np.random.default_rng(0).random((3, 1, model.input_size, model.input_size), np.float32)
    for batch in (images[:1], images):
        with torch.inference_mode():
            expected = twin(torch.from_numpy(batch)).sigmoid()
        got = torch.from_numpy(session.run(None, {"image": batch})[0]).sigmoid()
        difference = float((got - expected).abs().nan_to_num(nan=0.0).max())
        if not difference <= PARITY or not torch.equal(got.isnan(), expected.isnan()):
            raise EngineError(
                f"The ONNX file of {model.arch} differs from PyTorch by {difference:.1e} in a probability; "
                f"at most {PARITY:.0e} is expected, so it was not written."
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's notes to its own developers are kept from the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _prune(folder: Path) -> None:
    """Remove the files that were not used for longest."""
    exported = [p for p in folder.glob("*.onnx") if not p.name.startswith(PART)]
    files = sorted(exported, key=lambda p: p.stat().st_mtime, reverse=True)
    for path in files[CACHE_LIMIT:]:
        path.unlink(missing_ok=True)
