"""EEEA-Net-C1 and -C2, and OFA-595: chains of inverted-residual blocks from the Once-for-All MobileNetV3 space.

Termritthikun et al., "EEEA-Net: An Early Exit Evolutionary Neural Architecture Search", Eng. Appl. Artif. Intell. 2021,
arXiv 2108.06156; Cai et al., "Once-for-All", ICLR 2020, arXiv 1908.09791. Parameters come in the original's order, so
that its published weights can be copied over by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor, nn

from cxrkd.models.classifier import Backbone, Stage


@dataclass(frozen=True)
class Chain:
    """A path through the search space.

    Attributes:
        depths: blocks in each of the five searched stages.
        kernels: depthwise kernel of every searched block.
        expands: middle width of every searched block as a multiple of its input.
        widths: channels of the stem (and the fixed first block), the five stages, the final expand, the feature mix.
    """

    depths: tuple[int, ...]
    kernels: tuple[int, ...]
    expands: tuple[int, ...]
    widths: tuple[int, ...] = (16, 24, 40, 80, 112, 160, 960, 1280)


STAGE_STRIDES = (2, 2, 2, 1, 2)
STAGE_HARD = (False, False, True, True, True)  # h-swish instead of ReLU
STAGE_SQUEEZE = (False, True, False, True, True)

EEEA_NET_C1 = Chain(
    depths=(2, 2, 2, 2, 4),
    kernels=(3, 5, 7, 5, 7, 7, 5, 3, 7, 3, 3, 7),
    expands=(3, 3, 3, 3, 3, 4, 4, 4, 6, 4, 6, 3),
)
EEEA_NET_C2 = Chain(
    depths=(3, 3, 4, 4, 4),
    kernels=(3, 5, 3, 7, 3, 7, 5, 7, 5, 3, 7, 5, 3, 3, 5, 3, 5, 7),
    expands=(3, 4, 3, 4, 3, 3, 6, 6, 3, 3, 6, 4, 3, 3, 6, 6, 6, 3),
)
OFA_595 = Chain(
    depths=(3, 4, 4, 4, 4),
    kernels=(3, 5, 3, 5, 5, 3, 5, 7, 5, 3, 5, 3, 5, 7, 3, 3, 3, 5, 3),
    expands=(3, 4, 3, 4, 4, 6, 3, 6, 6, 3, 4, 6, 6, 6, 4, 6, 6, 6, 3),
    widths=(24, 32, 48, 96, 136, 192, 1152, 1536),
)


def make_divisible(value: float) -> int:
    """The multiple of eight nearest to a width, never more than a tenth below it (MobileNetV2's rule).

    >>> make_divisible(96 // 4), make_divisible(120 // 4), make_divisible(1)
    (24, 32, 8)
    """
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def _activation(hard: bool) -> nn.Module:
    # Never in place: a module that overwrites its input spoils maps taken by hooks in front of it.
    return nn.Hardswish() if hard else nn.ReLU()


def _conv_bn(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


class SqueezeExcite(nn.Module):
    """Channel gate: mean pool, 1x1 reduce, ReLU, 1x1 expand, relu6(x + 3) / 6, multiply."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = make_divisible(width // 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, width, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scale the channels of x (B, C, h, w)."""
        return x * self.gate(x)


class InvertedResidual(nn.Module):
    """1x1 expand, depthwise, squeeze-and-excite, 1x1 project, plus the input where shapes allow it."""

    def __init__(self, c_in: int, c_out: int, mid: int, kernel: int, stride: int, hard: bool, squeeze: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if mid != c_in:
            layers += [*_conv_bn(c_in, mid), _activation(hard)]
        layers += [*_conv_bn(mid, mid, kernel, stride, groups=mid), _activation(hard)]
        if squeeze:
            layers.append(SqueezeExcite(mid))
        layers += _conv_bn(mid, c_out)
        self.layers = nn.Sequential(*layers)
        self.has_skip = c_in == c_out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(B, c_in, h, w) to (B, c_out, h / stride, w / stride)."""
        return x + self.layers(x) if self.has_skip else self.layers(x)


def _blocks(chain: Chain) -> list[nn.Module]:
    """The fixed first block and every searched one."""
    width = chain.widths[0]
    blocks: list[nn.Module] = [InvertedResidual(width, width, width, 3, 1, hard=False, squeeze=False)]
    starts = set(accumulate(chain.depths, initial=0))
    stage = -1
    for i, (kernel, expand) in enumerate(zip(chain.kernels, chain.expands, strict=True)):
        first = i in starts
        stage += first
        out = chain.widths[1 + stage]
        stride = STAGE_STRIDES[stage] if first else 1
        mid = make_divisible(width * expand)
        blocks.append(InvertedResidual(width, out, mid, kernel, stride, STAGE_HARD[stage], STAGE_SQUEEZE[stage]))
        width = out
    return blocks


def _taps(chain: Chain) -> tuple[int, int, int]:
    """The last blocks at a quarter, an eighth and a sixteenth of the image's side: those that the authors tap.

    >>> _taps(EEEA_NET_C2)
    (3, 6, 14)
    """
    ends = list(accumulate(chain.depths))
    return ends[0], ends[1], ends[3]


def _width_behind(chain: Chain, block: int) -> int:
    """Channels behind a searched block, counted from 1."""
    return chain.widths[1 + list(accumulate(chain.depths)).index(block)]


class EEEANet(Backbone):
    """The network of a chain.

    The features are the output of the final expand, (B, 960, 7, 7) for C2 at 224. The head after them has two layers
    with a non-linearity between, so weights times maps (plain CAM) is not Grad-CAM here.

    Args:
        chain: widths, depths, kernels and expansions.
        n_labels: K.
        drop_rate: dropout in front of the last layer.
    """

    def __init__(self, chain: Chain, n_labels: int, drop_rate: float = 0.2) -> None:
        super().__init__()
        stem, last, expanded, mixed = (chain.widths[i] for i in (0, -3, -2, -1))
        self.stem = nn.Sequential(*_conv_bn(3, stem, 3, 2), _activation(hard=True))
        self.blocks = nn.Sequential(*_blocks(chain))
        self.final_expand = nn.Sequential(*_conv_bn(last, expanded), _activation(hard=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.feature_mix = nn.Sequential(nn.Conv2d(expanded, mixed, 1, bias=False), _activation(hard=True))
        self.dropout = nn.Dropout(drop_rate)
        self.classifier = nn.Linear(mixed, n_labels)
        self.apply(_initialise)
        self._taps = _taps(chain)
        channels = (*(_width_behind(chain, block) for block in self._taps), expanded)
        names = (*(f"blocks.{block}" for block in self._taps), "final_expand")
        self.stages = tuple(Stage(*each) for each in zip(names, channels, (4, 8, 16, 32), strict=True))

    def forward_features(self, x: Tensor) -> Tensor:
        """The final expand's output (B, C, ceil(H / 32), ceil(W / 32)) of x (B, 3, H, W)."""
        return self.final_expand(self.blocks(self.stem(x)))

    def forward_stages(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The outputs of the blocks in front of each halving of the grid, and of the final expand."""
        x, maps = self.stem(x), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self._taps:
                maps.append(x)
        features = self.final_expand(x)
        return [*maps, features], features

    def forward_head(self, features: Tensor) -> Tensor:
        """Logits (B, K)."""
        return self.classifier(self.dropout(self.feature_mix(self.pool(features)).flatten(1)))


def _initialise(module: nn.Module) -> None:
    """He initialisation over the outputs that each input reaches (He et al., ICCV 2015), zero biases."""
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0.0, (2.0 / fan_out) ** 0.5)
    elif isinstance(module, nn.Linear):
        nn.init.uniform_(module.weight, -(module.in_features**-0.5), module.in_features**-0.5)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
