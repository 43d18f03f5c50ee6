"""SHA-256 of the weights that others publish, so that what arrives is what was published.

No publisher here prints them beside the file, so each comes from a public record that somebody else made of the file,
named beside it; where there was none we know of no checksum, say so, and use the file as it came. A publisher may
replace a file: it is then refused until somebody has looked at the new one and changed the line.
"""

from __future__ import annotations

import logging
from pathlib import Path

from cxrkd.checksums import sha256
from cxrkd.errors import ConfigError

log = logging.getLogger(__name__)

PINS: dict[str, str] = {
    # RECORD of the wheels, version 0.1.0 of each; the files' names carry the first eight digits, too.
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    # model.safetensors of the hub, as its LFS records name it: several independent projects pin the same digits.
    "timm/resnet18.a1_in1k": "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
    "timm/resnet50.a1_in1k": "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb",
    "timm/efficientnet_b0.ra_in1k": "d569899762ea9b1384ee07f4af64805cf8caa1c55f9253ebb1080dc40e87a2cd",
    "timm/convnext_tiny.in12k_ft_in1k": "a1aefa409b513cf209b085424eb3efffe4e4a9f511491bc2c12ea35209e6bb95",
    "timm/swin_tiny_patch4_window7_224.ms_in1k": "fb01861f793143135fa0d6cd97b1631e4b33eaa3ee162bbea9e62de1c76ebac1",
    "timm/vit_small_patch16_224.augreg_in21k_ft_in1k": (
        "79c03c635cdfd798a364a9d8c4e5c0b7255b975ea2c9616046d4f77ab01435aa"
    ),
    "timm/mobilenetv3_large_100.ra_in1k": "f425af34cc1cead2b5d6211f789a1f30b94835dc32f9c0fcc5a916e4fd2dde85",
    "timm/mobilenetv3_small_100.lamb_in1k": "46d2c063b18125884c48937afa4c49e18128869e52e8db96df48bf0a4d7ff697",
    # One record: the registry of github.com/dollspace-gay/ferrotorch (ferrotorch-hub), hashed by its authors; its other
    # lines agree with those above.
    "timm/mobilenetv2_100.ra_in1k": "55ea4fb3a96010b933710ebf44fc965b070d5cd054d3f35e44f2d1320b4a714e",
    # One record: github.com/kurtvalcorza/maxvit-classification-pipeline, compared there with the hub's LFS digest.
    "timm/maxvit_tiny_tf_224.in1k": "e3998ec8e5f70ad5fa7682a1fa211b76d4adcb775f809b976b1a60506be113e6",
    # TorchXRayVision's release v1 on GitHub: ten independent projects pin the same digits of its default model.
    "nih-pc-chex-mimic_ch-google-openi-kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt": (
        "56524913dd16a906422e8d8b66a7a5c46be1d82eb7ac012d8103776f1aa68899"
    ),
    # One record: a public script that refuses any other file from that release.
    "chex-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt": (
        "1a914ae802170187a4852e594708206c12468eeeefd66aa4e8e26141649d61a4"
    ),
}
"""By the name under which a source knows its file: package, hub repository, or file of a release."""


def pinned(name: str) -> bool:
    """Whether the checksum of a file is known."""
    return name in PINS


def hold(name: str, path: Path) -> bool:
    """Hold a file of others against the checksum that is known of it.

    Returns:
        True when it holds, False when none is known, which the log says.

    Raises:
        ConfigError: it is another file; it was not opened as weights.
    """
    if not pinned(name):
        log.warning("No checksum is known of %s: the file is used as it came.", name)
        return False
    got = sha256(path)
    if got != PINS[name]:
        raise ConfigError(
            f"{path.name} is not the file that was published as {name}: expected the SHA-256 {PINS[name][:12]}…, got "
            f"{got[:12]}…. It was not used. Delete it and fetch it again; where its publisher has replaced it, choose "
            "other weights until this program knows the new file."
        )
    return True
