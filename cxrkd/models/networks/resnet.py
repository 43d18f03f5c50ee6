"""ResNets: a teacher, and a small one as a student."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

_SOURCE = "He et al., CVPR 2016, arXiv 1512.03385; timm"
NETWORKS.register(
    Network(
        name="resnet50",
        title="ResNet50",
        sentence="Bottleneck blocks that learn what to add to their input; 50 layers.",
        source=_SOURCE,
        role="teacher",
        make=cnn("resnet50"),
        weights=hub("resnet50"),
    )
)
NETWORKS.register(
    Network(
        name="resnet18",
        title="ResNet18",
        sentence="The smallest ResNet: many parameters for a student, and simple layers that run fast everywhere.",
        source=_SOURCE,
        role="student",
        make=cnn("resnet18"),
        weights=hub("resnet18"),
    )
)
