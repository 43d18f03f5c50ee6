"""MaxViT."""

from cxrkd.models.from_timm import hub, windowed
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="maxvit_tiny_tf_224",
        title="MaxViT-T",
        sentence="Convolutions, then attention within windows and across a grid, in every block.",
        source="Tu et al., ECCV 2022, arXiv 2204.01697; timm",
        role="teacher",
        make=windowed("maxvit_tiny_tf_224"),
        multiple=32,
        weights=hub("maxvit_tiny_tf_224"),
    )
)
