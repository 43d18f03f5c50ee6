"""ImageNet features for EEEA-Net, selected from EfficientNet-Lite1.

ImageNet weights of EEEA-Net-C2 itself come with no package. But Lite1's stages have its widths (24, 40, 80, 112; 192
for 160), its depths or one block more, and six-fold expansions for its three- to six-fold ones: it is nearly a
sub-network. Weight selection (Xu et al., "Initializing Models with Larger Ones", ICLR 2024, arXiv 2311.18823) starts a
small network from part of a larger one; here the part is chosen by how much each channel contributes, as in
Once-for-All (arXiv 1908.09791, section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrkd.models.eeea_net import Chain, EEEANet

State = dict[str, Tensor]
DONOR = "efficientnet_lite1"
_NORM = ("weight", "bias", "running_mean", "running_var")
_LAST = 5
_OPEN = 3.0  # where relu6(x + 3) / 6 reaches one


def select(donor: Mapping[str, Tensor], net: EEEANet, chain: Chain) -> State:
    """The tensors of `net`, with the donor's in place of its own wherever there are some to take.

    Left are the head and the squeeze-and-excite gates, which the donor lacks; the gates start open.

    Args:
        donor: tensors of timm's `tf_efficientnet_lite1`.
        net: not changed.
        chain: of `net`.
    """
    picked = _Picked(donor, net.state_dict())
    written = torch.stack([donor[f"blocks.{_LAST}.{j}.bn3.weight"].abs() for j in range(chain.depths[-1])])
    stream = _strongest(written.sum(0), chain.widths[_LAST])  # the only stage that is narrower than the donor's
    picked.first_block("blocks.0.0")
    starts = accumulate(chain.depths, initial=1)
    for stage, (start, depth) in enumerate(zip(starts, chain.depths, strict=False), 1):
        for j in range(depth):
            takes, gives = stream if stage == _LAST and j else None, stream if stage == _LAST else None
            picked.block(start + j, f"blocks.{stage}.{j}", takes, gives)
    picked.final_expand("blocks.6.0", stream)
    return picked.state


class _Picked:
    """The state of the small network, filled from the donor layer by layer."""

    def __init__(self, donor: Mapping[str, Tensor], state: State) -> None:
        self.donor = donor
        self.state = {name: tensor.clone() for name, tensor in state.items()}

    def first_block(self, d: str) -> None:
        """Stem and the fixed first block, whose input is half as wide as the donor's."""
        kept = self._contributing(f"{d}.bn1", f"{d}.conv_pw", "stem.0")
        self._conv("stem.0", "conv_stem", kept)
        self._norm("stem.1", "bn1", kept)
        self._conv("blocks.0.layers.0", f"{d}.conv_dw", kept)
        self._norm("blocks.0.layers.1", f"{d}.bn1", kept)
        self._conv("blocks.0.layers.3", f"{d}.conv_pw", None, kept)
        self._norm("blocks.0.layers.4", f"{d}.bn2", None)

    def block(self, index: int, d: str, takes: Tensor | None, gives: Tensor | None) -> None:
        """One inverted residual; `takes` and `gives` are its channels of the stream, all when None."""
        own = f"blocks.{index}.layers"
        kept = self._contributing(f"{d}.bn2", f"{d}.conv_pwl", f"{own}.0")
        self._conv(f"{own}.0", f"{d}.conv_pw", kept, takes)
        self._norm(f"{own}.1", f"{d}.bn1", kept)
        self._conv(f"{own}.3", f"{d}.conv_dw", kept)
        self._norm(f"{own}.4", f"{d}.bn2", kept)
        gated = f"{own}.6.gate.3.weight" in self.state
        if gated:
            self.state[f"{own}.6.gate.3.weight"].zero_()
            self.state[f"{own}.6.gate.3.bias"].fill_(_OPEN)
        self._conv(f"{own}.{6 + gated}", f"{d}.conv_pwl", gives, kept)
        self._norm(f"{own}.{7 + gated}", f"{d}.bn3", gives)

    def final_expand(self, d: str, takes: Tensor) -> None:
        """The donor's last expansion, of the block that EEEA-Net ends without."""
        kept = self._contributing(f"{d}.bn2", f"{d}.conv_pwl", "final_expand.0")
        self._conv("final_expand.0", f"{d}.conv_pw", kept, takes)
        self._norm("final_expand.1", f"{d}.bn1", kept)

    def _contributing(self, norm: str, reader: str, own: str) -> Tensor:
        """The channels that matter most, as many as `own` has: a norm's scale times what is read of the channel."""
        read = self.donor[f"{reader}.weight"].abs().sum((0, 2, 3))
        return _strongest(self.donor[f"{norm}.weight"].abs() * read, len(self.state[f"{own}.weight"]))

    def _conv(self, own: str, theirs: str, rows: Tensor | None, columns: Tensor | None = None) -> None:
        kernel = _of(self.donor[f"{theirs}.weight"], rows)
        kernel = kernel if columns is None else kernel[:, columns]
        margin = (self.state[f"{own}.weight"].shape[-1] - kernel.shape[-1]) // 2
        self.state[f"{own}.weight"] = F.pad(kernel, [margin] * 4)  # a negative margin keeps the middle

    def _norm(self, own: str, theirs: str, rows: Tensor | None) -> None:
        for part in _NORM:
            self.state[f"{own}.{part}"] = _of(self.donor[f"{theirs}.{part}"], rows)


def _of(tensor: Tensor, rows: Tensor | None) -> Tensor:
    return tensor if rows is None else tensor[rows]


def _strongest(scores: Tensor, n: int) -> Tensor:
    """Indices of the n largest scores, in the order of the channels."""
    return torch.topk(scores, n).indices.sort().values
