"""MnasNet small, the student below a million parameters.

Of timm's networks of that size with ImageNet weights it was the most accurate on ImageNet that ends in maps and one
linear layer (66.2 % against 63.1 of LCNet 0.5, 59.9 of TinyNet-E and 57.9 of MobileNetV3 small 0.5): its Grad-CAM is
exactly weights times maps, and the layers are plain ones that every engine runs fast.
"""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

NETWORKS.register(
    Network(
        name="mnasnet_small",
        title="MnasNet small",
        sentence="The smallest student: 0.8 million parameters, found by search for a phone.",
        source="Tan et al., CVPR 2019, arXiv 1807.11626; timm",
        role="student",
        make=cnn("mnasnet_small"),
        weights=hub("mnasnet_small"),
    )
)
