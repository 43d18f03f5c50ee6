import pytest
import timm

from cxrkd.errors import ConfigError
from cxrkd.models import build, list_archs

LABELS = ("a", "b")


def test_roles_part_the_list():
    assert sorted(list_archs("teacher") + list_archs("student")) == sorted(list_archs())
    assert {"densenet121", "densenet161", "vit_small_patch16_224"} <= set(list_archs("teacher"))
    assert {"eeea_net_c1", "eeea_net_c2"} <= set(list_archs("student"))


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
    ],
)
def test_a_size_that_does_not_fit(arch, size):
    with pytest.raises(ConfigError, match=rf"{arch} takes inputs of .* got {size}"):
        build(arch, LABELS, size)


def test_pretrained_weights_out_of_reach(monkeypatch):
    def offline(name, pretrained, **options):
        assert pretrained
        raise OSError("Name or service not known")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ConfigError, match=r"ImageNet weights of resnet18 could not be loaded.*internet"):
        build("resnet18", LABELS, pretrained=True)


def test_pretrained_weights_that_do_not_exist():
    with pytest.raises(ConfigError, match="pretrained=False"):
        build("eeea_net_c2", LABELS, pretrained=True)


def test_pretrained_asks_timm_for_its_weights(monkeypatch):
    asked = {}
    create = timm.create_model

    def record(name, pretrained, **options):
        asked[name] = pretrained
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", record)
    build("resnet18", LABELS, 64, pretrained=True)
    build("mobilenetv3_small_100", LABELS, 64)
    assert asked == {"resnet18": True, "mobilenetv3_small_100": False}
