"""DenseNets, the teachers that most work on chest radiographs has."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

_SOURCE = "Huang et al., CVPR 2017, arXiv 1608.06993; timm"
for _depth, _detail in ((121, "the one of CheXNet"), (161, "the teacher of the paper's tables"), (201, "the deepest")):
    NETWORKS.register(
        Network(
            name=f"densenet{_depth}",
            title=f"DenseNet{_depth}",
            sentence=f"Every layer sees all before it in its block; {_depth} layers, {_detail}.",
            source=_SOURCE,
            role="teacher",
            make=cnn(f"densenet{_depth}"),
            weights=hub(f"densenet{_depth}"),
        )
    )
