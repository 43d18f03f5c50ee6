"""Swin transformers."""

from cxrkd.models.from_timm import hub, windowed
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="swin_tiny_patch4_window7_224",
        title="Swin-T",
        sentence="A transformer in shifted windows, on a grid that halves from stage to stage.",
        source="Liu et al., ICCV 2021, arXiv 2103.14030; timm",
        role="teacher",
        make=windowed("swin_tiny_patch4_window7_224", channels_last=True),
        multiple=32,
        weights=hub("swin_tiny_patch4_window7_224"),
    )
)
