"""Weights on disk: one safetensors file that says which network it belongs to. Nothing is ever unpickled.

Matrices and convolution kernels are stored as float16, which halves the file. What float16 would spoil stays float32:
- tensors of one dimension (biases, norm weights, running means and variances; a hundredth of a network): a running
  variance below 6e-5 is subnormal in float16 and one above 65,504 infinite, and both divide everything behind them;
- a larger tensor with a value beyond the float16 range, or whose largest value is subnormal.

A file carries its checksum (`cxrkd.checksums`), which is held whenever it is read; files of format 1, from before, are
read without one, and weights that are no numbers are refused in any case.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cxrkd.atomic import replacing
from cxrkd.checksums import check, seal
from cxrkd.errors import ConfigError, RunError
from cxrkd.models.answers import require_finite
from cxrkd.models.classifier import Classifier
from cxrkd.models.zoo import build

FORMAT = "2"
WITHOUT_CHECKSUM = "1"
"""The format of files that may come without a checksum."""
_HALF = torch.finfo(torch.float16)


def save_weights(model: Classifier, path: Path) -> None:
    """Write a network's weights with its arch, labels and input size; the file appears whole or not at all.

    Args:
        model: on any device, in any mode; not changed.
        path: the .safetensors file; its folder is made if need be.

    Raises:
        AnswerError: a weight is no number; nothing is written.
    """
    require_finite(model, f"{model.arch} was not written to {path.name}")
    tensors = {
        name: t.detach().cpu().to(stored_dtype(t), memory_format=torch.contiguous_format, copy=True)
        for name, t in model.state_dict().items()
    }
    metadata = {
        "cxrkd_format": FORMAT,
        "arch": model.arch,
        "labels": json.dumps(model.labels),
        "input_size": str(model.input_size),
        **({} if model.shrinks_to is None else {"shrinks_to": str(model.shrinks_to)}),
    }
    with replacing(path) as part:
        save_file(tensors, part, metadata)
        seal(part)


def load_weights(path: Path) -> Classifier:
    """The network of a weights file, float32, in eval mode, on the CPU.

    Raises:
        RunError: the file is missing, damaged, not what its checksum says, or was not written by `save_weights`.
        AnswerError: a weight is no number.
    """
    metadata, tensors = _read(path)
    try:
        labels, size = tuple(json.loads(metadata["labels"])), int(metadata["input_size"])
        shrinks_to = int(metadata["shrinks_to"]) if "shrinks_to" in metadata else None
        with torch.random.fork_rng(devices=[]):  # the random start that the weights replace leaves no trace
            model = build(metadata["arch"], labels, size, shrinks_to=shrinks_to)
    except (ConfigError, ValueError, TypeError) as error:
        raise RunError(f"{path.name} describes a network that cannot be built: {error}") from error
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise RunError(
            f"{path.name} does not hold the weights of {model.arch} with {len(labels)} labels; it is damaged or from "
            "another version. Train the network again or restore the file."
        ) from error
    require_finite(model, path.name)
    return model.eval()


def fingerprint(model: Classifier) -> str:
    """Hex digest over arch, labels, input size and every weight that changes an output.

    The same network gives the same digest on any device, in any memory format, in training or eval mode.
    """
    design = [model.arch, model.labels, model.input_size]
    design += [] if model.shrinks_to is None else [model.shrinks_to]
    digest = hashlib.sha256(json.dumps(design).encode())
    for name, tensor in sorted(model.state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def stored_dtype(tensor: Tensor) -> torch.dtype:
    """The type a weight has on disk: float16 where that loses nothing but digits, else its own."""
    if tensor.ndim < 2 or tensor.dtype != torch.float32 or not tensor.numel():
        return tensor.dtype
    largest = float(tensor.abs().max())  # NaN fails both comparisons and stays as it is
    return torch.float16 if largest == 0 or _HALF.smallest_normal <= largest <= _HALF.max else tensor.dtype


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file, float32."""
    if not path.exists():
        raise RunError(f"There is no weights file {path}; expected one written by a run.")
    known = check(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path.name} is damaged or not a safetensors file ({error}). Restore or remake it.") from error
    _require_ours(path, metadata, known)
    return metadata, {name: t.float() if t.dtype == torch.float16 else t for name, t in tensors.items()}


def _require_ours(path: Path, metadata: dict[str, str], known: bool) -> None:
    made_by = metadata.get("cxrkd_format")
    if made_by not in (FORMAT, WITHOUT_CHECKSUM) or not {"arch", "labels", "input_size"} <= metadata.keys():
        raise RunError(
            f"{path.name} holds tensors but was not written by this program (format {FORMAT}); "
            "expected a weights file of a run."
        )
    if not known and made_by != WITHOUT_CHECKSUM:
        raise RunError(f"{path.name} is damaged: it has lost its checksum. Restore it from a copy or train again.")
