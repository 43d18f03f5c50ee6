"""MobileViT."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="mobilevit_xxs",
        title="MobileViT-XXS",
        sentence="Convolutions with attention between patches of their maps, below a million parameters.",
        source="Mehta and Rastegari, ICLR 2022, arXiv 2110.02178; timm",
        role="student",
        make=cnn("mobilevit_xxs"),
        weights=hub("mobilevit_xxs"),
    )
)
