"""ConvNeXt."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="convnext_tiny",
        title="ConvNeXt-T",
        sentence="A convolutional network built after the proportions of a vision transformer.",
        source="Liu et al., CVPR 2022, arXiv 2201.03545; timm",
        role="teacher",
        make=cnn("convnext_tiny"),
        weights=hub("convnext_tiny"),
    )
)
