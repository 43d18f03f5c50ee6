"""EfficientNet."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="efficientnet_b0",
        title="EfficientNet-B0",
        sentence="Inverted residuals with squeeze-and-excite, found by search: a small teacher, a large student.",
        source="Tan and Le, ICML 2019, arXiv 1905.11946; timm",
        role="both",
        make=cnn("efficientnet_b0"),
        weights=hub("efficientnet_b0"),
    )
)
