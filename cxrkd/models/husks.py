"""Read the tensors of a whole network that somebody pickled, without running anything that the file asks for.

A pickle may name any function of the machine and have it called. Here every name a file may use leads to a *husk*: a
class of ours that keeps what it is given and does nothing. Any other name ends the reading. Files of today's format
go through `torch.load(weights_only=True)` with those husks; whole networks of the format before torch 1.6 are refused
there for the class references in them, and are read by the same rule below.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from cxrkd.errors import ConfigError


class Husk:
    """Stands for an nn.Module of any class: only the dictionary of its attributes is kept."""


MODULES = (
    *(f"torchxrayvision.models.{name}" for name in ("DenseNet", "_DenseLayer", "_DenseBlock", "_Transition")),
    *(f"torchvision.models.densenet.{name}" for name in ("DenseNet", "_DenseLayer", "_DenseBlock", "_Transition")),
    *(f"torch.nn.modules.pooling.{name}" for name in ("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d")),
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.linear.Linear",
)
"""Classes of the DenseNets that TorchXRayVision publishes; each becomes a husk."""

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of torch's format before 1.6
_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "LongStorage": torch.int64,
}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers by name, of a file that holds a state dict or a whole network.

    Raises:
        ConfigError: the file is damaged, or asks for anything else than plain layers and tensors.
    """
    try:
        return _tensors_of(_load(path))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {path}; expected a PyTorch checkpoint.") from error
    except Exception as error:  # a damaged pickle fails in as many ways as there are opcodes
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ConfigError(
            f"{path.name} was not read: it is damaged, or asks for more than the tensors of known layers ({first}). "
            "Nothing in it was run. Delete it and fetch it again, or use other weights."
        ) from error


def _load(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with torch.serialization.safe_globals([(Husk, name) for name in MODULES]):
            return torch.load(path, map_location="cpu", weights_only=True)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # a whole network, or an attack; both go on to a reader that runs neither
        with path.open("rb") as file:
            return _Reader(file).read()


def _tensors_of(loaded: Any) -> dict[str, Tensor]:
    """A state dict as it is, a husk flattened."""
    state = dict(_walk(loaded, "")) if isinstance(loaded, Husk) else loaded
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise ValueError("it holds something else than tensors by name")
    return {name: tensor.detach() for name, tensor in state.items()}


def _walk(husk: Husk, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors in the order of `nn.Module.state_dict`."""
    parts = vars(husk)
    for name, tensor in {**parts.get("_parameters", {}), **parts.get("_buffers", {})}.items():
        if tensor is not None:
            yield prefix + name, tensor
    for name, child in parts.get("_modules", {}).items():
        yield from _walk(child, f"{prefix}{name}.")


class _Storage:
    """Numbers that stand behind the pickle in the file: their type, and the tensor once they were read."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.values = torch.empty(0, dtype=dtype)


class _Pending:
    """A tensor of which the storage is still unread."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def tensor(self) -> Tensor:
        return self.storage.values.as_strided(self.size, self.stride, self.offset).clone()


def _parameter(data: _Pending, *_: Any) -> _Pending:
    return data


class _Reader(pickle.Unpickler):
    """The format before torch 1.6: pickled magic, protocol, machine, object and storage keys, then raw numbers."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.file = file
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The only names that exist: containers, our stand-ins for tensors, husks for layers."""
        known = {
            "collections.OrderedDict": OrderedDict,
            "builtins.set": set,
            "__builtin__.set": set,  # as protocol 2 spells it
            "torch._utils._rebuild_tensor_v2": _Pending,
            "torch._utils._rebuild_parameter": _parameter,
            **{f"torch.{storage}": dtype for storage, dtype in _DTYPES.items()},
            **dict.fromkeys(MODULES, Husk),
        }
        if f"{module}.{name}" not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not among the layers that are read")
        return known[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> Any:
        """A class with its source, which is ignored; or a storage, shared by all who name its key."""
        if pid[0] == "module":
            return pid[1]
        kind, dtype, key, _, _, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"{kind} is not read")
        return self.storages.setdefault(key, _Storage(dtype))

    def read(self) -> Any:
        """The pickled object, its tensors filled."""
        magic, protocol, _machine = self.load(), self._next(), self._next()
        if (magic, protocol) != (_MAGIC, _PROTOCOL):
            raise pickle.UnpicklingError("it is no PyTorch checkpoint")
        unfilled, keys = self._next(), self._next()
        for key in keys:
            self._fill(self.storages[key])
        return _filled(unfilled)

    def _next(self) -> Any:
        """The next pickle of the file; each has a memo of its own."""
        reader = _Reader(self.file)
        reader.storages = self.storages
        return reader.load()

    def _fill(self, storage: _Storage) -> None:
        count = int.from_bytes(self.file.read(8), "little")
        here = self.file.tell()
        left = self.file.seek(0, 2) - here
        self.file.seek(here)
        if count * storage.dtype.itemsize > left:  # told before that much memory is asked for
            raise ValueError("it ends too early")
        raw = self.file.read(count * storage.dtype.itemsize)
        storage.values = torch.frombuffer(bytearray(raw), dtype=storage.dtype) if count else storage.values


def _filled(loaded: Any) -> Any:
    """The same object with tensors in place of those that waited for their numbers."""
    if isinstance(loaded, _Pending):
        return loaded.tensor()
    if isinstance(loaded, Husk):
        for name in ("_parameters", "_buffers", "_modules"):
            vars(loaded)[name] = _filled(vars(loaded).get(name, {}))
        return loaded
    return {name: _filled(value) for name, value in loaded.items()} if isinstance(loaded, dict) else loaded
