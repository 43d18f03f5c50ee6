"""EEEA-Net, the paper's students, and OFA-595 from the same space of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrkd.models.from_timm import packaged
from cxrkd.models.network import NETWORKS, Make, Network

if TYPE_CHECKING:
    from cxrkd.models.classifier import Backbone
    from cxrkd.models.pretrained import State

_EEEA = "Termritthikun et al., EAAI 2021, arXiv 2108.06156"


def _chain(name: str) -> Make:
    """The network of a chain of blocks; pretrained tensors are those of the donor that some are selected from."""

    def make(n_labels: int, input_size: int, state: State | None) -> Backbone:
        from cxrkd.models import eeea_net, selection

        chain = getattr(eeea_net, name)
        net = eeea_net.EEEANet(chain, n_labels)
        if state is not None:
            net.load_state_dict(selection.select(state, net, chain))
        return net

    return make


for _number, _detail in ((2, "the paper's student: 4.7 million parameters"), (1, "its smaller sibling")):
    NETWORKS.register(
        Network(
            name=f"eeea_net_c{_number}",
            title=f"EEEA-Net-C{_number}",
            sentence=f"Inverted residuals found by an evolutionary search with early exit; {_detail}.",
            source=_EEEA,
            role="student",
            make=_chain(f"EEEA_NET_C{_number}"),
            min_size=28,
            weights=packaged("efficientnet_lite1", 240, selected=True),
        )
    )
NETWORKS.register(
    Network(
        name="ofa_595",
        title="OFA-595",
        sentence="The largest network of the space that EEEA-Net was searched in.",
        source="Cai et al., ICLR 2020, arXiv 1908.09791",
        role="teacher",
        make=_chain("OFA_595"),
        min_size=28,
    )
)
