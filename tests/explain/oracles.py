"""pytorch-grad-cam as an oracle: its methods by our names, and a network that it can hook."""

from pytorch_grad_cam import EigenCAM, EigenGradCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from torch import nn

ORACLES = {
    "gradcam": GradCAM,
    "hirescam": HiResCAM,
    "gradcam++": GradCAMPlusPlus,
    "xgradcam": XGradCAM,
    "layercam": LayerCAM,
    "eigencam": EigenCAM,
    "eigengradcam": EigenGradCAM,
}
SIGNLESS = ("eigencam", "eigengradcam")  # there: whatever the solver gives; ours is held in test_eigen.py


class Tapped(nn.Module):
    """The model with an identity between features and head, for pytorch-grad-cam to hook."""

    def __init__(self, model):
        super().__init__()
        self.model, self.tap = model, nn.Identity()

    def forward(self, x):
        return self.model.forward_head(self.tap(self.model.forward_features(x)))
