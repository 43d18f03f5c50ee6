"""Six-line networks that meet the classifier contract, one per kind of backbone."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, hardswish, pad, relu

N_LABELS = 5


class ToyNet(nn.Module):
    labels, input_size, works_at = tuple("abcde"), 48, 48

    @property
    def arch(self):
        return type(self).__name__

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class ToyCnn(ToyNet):
    """Features (B, C, h, w) and, as EEEA-Net and MobileNetV3 have it, a head with a non-linearity after the pool."""

    def __init__(self, stride=8):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 12, stride + 1, stride, stride // 2), nn.BatchNorm2d(12)
        self.mix, self.fc = nn.Linear(12, 16), nn.Linear(16, N_LABELS)

    def forward_features(self, x):
        return relu(self.norm(self.conv(x)))

    def forward_head(self, features):
        return self.fc(hardswish(self.mix(features.mean((-2, -1)))))

    def spatial(self, features):
        return features


class ToyLinearHead(ToyCnn):
    """Global mean pool and one Linear: Grad-CAM is CAM in closed form."""

    def forward_head(self, features):
        return self.fc(pad(features.mean((-2, -1)), (0, 4)))


class ToySwin(ToyNet):
    """Features (B, h, w, C), signed, as timm's Swin has them."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm = nn.Conv2d(1, 12, 8, 8), nn.LayerNorm(12)
        self.mlp, self.fc = nn.Linear(12, 12), nn.Linear(12, N_LABELS)

    def forward_features(self, x):
        return self.norm(self.embed(x).permute(0, 2, 3, 1)) + 0.5

    def forward_head(self, features):
        return self.fc(gelu(self.mlp(features)).mean((1, 2)))

    def spatial(self, features):
        return features.permute(0, 3, 1, 2)


class ToyViT(ToyNet):
    """Tokens (B, 1 + hw, C) before the last block; the class token alone is classified."""

    def __init__(self):
        super().__init__()
        self.embed, self.token = nn.Conv2d(1, 12, 8, 8), nn.Parameter(torch.randn(1, 1, 12))
        # Far-apart tokens, or attention would be flat and all methods alike.
        self.embed.weight.data.mul_(12)
        self.block, self.fc = nn.TransformerEncoderLayer(12, 2, 24, batch_first=True), nn.Linear(12, N_LABELS)

    def forward_features(self, x):
        patches = self.embed(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + 0.3

    def forward_head(self, features):
        return self.fc(self.block(features)[:, 0])

    def spatial(self, features):
        side = round((features.shape[1] - 1) ** 0.5)
        return features[:, 1:].transpose(1, 2).unflatten(2, (side, side))


TOYS = {"cnn": ToyCnn, "linear_head": ToyLinearHead, "swin": ToySwin, "vit": ToyViT}


@pytest.fixture
def toy():
    """Name -> a fresh toy network with fixed weights, in eval mode."""

    def make(name="cnn", seed=0, **options):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return TOYS[name](**options).eval()

    return make


@pytest.fixture
def film():
    """A grey image (1, 1, 48, 48) in [0, 1] with structure at several scales."""
    ramp = torch.linspace(0, 1, 48)
    noise = torch.rand(48, 48, generator=torch.Generator().manual_seed(1))
    return (0.4 * ramp[:, None] + 0.3 * torch.sin(9 * ramp)[None].abs() + 0.3 * noise)[None, None]
