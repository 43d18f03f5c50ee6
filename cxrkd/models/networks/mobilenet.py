"""MobileNets, the students that EEEA-Net is compared with."""

from cxrkd.models.from_timm import cnn, hub
from cxrkd.models.network import NETWORKS, Network

_V3 = "Howard et al., ICCV 2019, arXiv 1905.02244; timm"
_V2 = "Sandler et al., CVPR 2018, arXiv 1801.04381; timm"
for _arch, _title, _detail, _source in (
    ("mobilenetv3_large_100", "MobileNetV3 large", "Found by search for the latency of a phone's processor.", _V3),
    ("mobilenetv3_small_100", "MobileNetV3 small", "The same search under a quarter of the multiply-adds.", _V3),
    ("mobilenetv2_100", "MobileNetV2", "Inverted residuals with linear bottlenecks, without a search.", _V2),
):
    NETWORKS.register(
        Network(
            name=_arch,
            title=_title,
            sentence=_detail,
            source=_source,
            role="student",
            make=cnn(_arch),
            weights=hub(_arch),
        )
    )
