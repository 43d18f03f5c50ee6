"""GhostNet."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="ghostnet_100",
        title="GhostNet",
        sentence="Half of the maps of every layer are cheap variations of the other half.",
        source="Han et al., CVPR 2020, arXiv 1911.11907; timm",
        role="student",
        make=cnn("ghostnet_100"),
        weights=hub("ghostnet_100"),
    )
)
