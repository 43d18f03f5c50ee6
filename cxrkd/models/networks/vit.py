"""Vision transformers."""

from cxrkd.models.from_timm import hub, vit
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="vit_small_patch16_224",
        title="ViT-S/16",
        sentence="A plain transformer over patches of 16 pixels; its class token answers.",
        source="Dosovitskiy et al., ICLR 2021, arXiv 2010.11929; timm",
        role="teacher",
        make=vit("vit_small_patch16_224"),
        multiple=16,
        weights=hub("vit_small_patch16_224"),
    )
)
