"""TorchXRayVision's networks: random ones, saved as upstream publishes, stand for the download."""

import warnings

import numpy as np
import pytest
import torch
import torchvision
import torchxrayvision as xrv
from torchxrayvision.models import model_urls

from cxrkd.checksums import check
from cxrkd.config import CHEST_WEIGHTS
from cxrkd.errors import ConfigError
from cxrkd.labels import CHESTXRAY14
from cxrkd.models import pins, pretrained
from cxrkd.models.weights import load_weights, save_weights
from cxrkd.models.zoo import build
from cxrkd.train.prior import start_at_prevalence

SIZE = 64
OURS = {
    **{
        name: (f"densenet121-res224-{name.removeprefix('chest-')}", pretrained.DENSENET121[name])
        for name in CHEST_WEIGHTS
    },
    "resnet": ("resnet50-res512-all", pretrained.RESNET50["chest-all"]),
}


@pytest.fixture(scope="module")
def upstream():
    """A network of 18 outputs with running statistics of its own, as upstream makes it."""
    torch.manual_seed(0)
    net = xrv.models.DenseNet(num_classes=18)
    with torch.no_grad():
        net((torch.rand(4, 1, SIZE, SIZE) - 0.5) * 2048)
    return net.eval()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and no cache of the library's own."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(pretrained.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(pins, "PINS", {})  # random weights stand for the published ones
    return tmp_path / "home"


@pytest.fixture
def published(home, upstream, monkeypatch):
    """The download that answers: a whole module in the format of its day. Counts the calls."""
    calls = []

    def fetch(url, path, progress, check, limit):
        calls.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.save(upstream, path, _use_new_zipfile_serialization=False)
        check(path)

    monkeypatch.setattr(pretrained, "download", fetch)
    return calls


@pytest.mark.parametrize("name", list(OURS))
def test_the_table_is_upstreams(name):
    theirs, ours = model_urls[OURS[name][0]], OURS[name][1]
    has_threshold = ~np.isnan(theirs["op_threshs"])
    assert ours.labels == tuple(label if ok else "" for label, ok in zip(theirs["labels"], has_threshold, strict=True))
    assert ours.URL + ours.file == theirs["weights_url"]
    assert ours.size == theirs["input_resolution"]


def test_logits_are_upstreams_before_sigmoid_and_thresholds(published, upstream):
    model = build("xrv_densenet121", CHESTXRAY14, SIZE, "chest-nih", download=True).eval()
    x = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    pixels = torch.from_numpy(xrv.datasets.normalize(x.numpy() * 255, 255))
    columns = [model_urls["nih"]["labels"].index(label) for label in CHESTXRAY14]
    with torch.no_grad():
        expected = upstream.classifier(upstream.features2(pixels))[:, columns]
        torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)
    assert not torch.equal(expected, upstream(pixels)[:, columns].sigmoid())


def test_a_resnet_is_read_from_its_state_dict(home, monkeypatch):
    torch.manual_seed(0)
    net = torchvision.models.resnet50(num_classes=18)
    net.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    folder = home / "cache" / "weights"
    folder.mkdir(parents=True)
    torch.save(net.state_dict(), folder / pretrained.RESNET50["chest-all"].file)  # as copied there by hand
    model = build("xrv_resnet50", ("Mass", "Edema"), SIZE, "chest-all").eval()
    x = torch.rand(2, 1, SIZE, SIZE)
    with torch.no_grad():
        expected = net.eval()((x - 0.5) * 2048)[:, [12, 4]]
        torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)


def test_it_is_fetched_once_and_kept_as_safetensors(published, home):
    for _ in range(2):
        build("xrv_densenet121", ("Mass",), SIZE, "chest-pc", download=True)
    assert len(published) == 1
    assert [path.suffix for path in (home / "cache" / "weights").iterdir()] == [".safetensors"]
    build("xrv_densenet121", ("Mass",), SIZE, "chest-pc")


def test_a_label_it_was_never_taught_is_nan_without_gradient(published, tmp_path):
    model = build("xrv_densenet121", ("Effusion", "Hernia"), SIZE, "chest-chex", download=True)
    save_weights(model, tmp_path / "w.safetensors")
    model = load_weights(tmp_path / "w.safetensors")
    features = model.forward_features(torch.rand(1, 1, SIZE, SIZE)).detach().requires_grad_()
    effusion, hernia = model.forward_head(features)[0]
    assert torch.isfinite(effusion)
    assert torch.isnan(hernia)
    (gradient,) = torch.autograd.grad(hernia, features)
    assert torch.equal(gradient, torch.zeros_like(gradient)), "its map is empty"


def test_training_starts_unknown_labels_at_their_prevalence_and_leaves_the_others(published):
    model = build("xrv_densenet121", ("Effusion", "Hernia"), SIZE, "chest-chex", download=True)
    head = model.backbone.net.classifier
    before = head.weight[0].clone(), head.bias[0].clone()
    targets = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    start_at_prevalence(model, targets, np.array([False, True]))
    assert torch.equal(head.weight[0], before[0])
    assert torch.equal(head.bias[0], before[1])
    assert head.bias[1].sigmoid().item() == pytest.approx(0.25)


def test_a_file_of_another_network_is_refused(home):
    folder = home / "cache" / "weights"
    folder.mkdir(parents=True)
    torch.save({"classifier.bias": torch.zeros(3)}, folder / pretrained.DENSENET121["chest-nih"].file)
    with pytest.raises(ConfigError, match="is not the file that TorchXRayVision published"):
        build("xrv_densenet121", ("Mass",), SIZE, "chest-nih")
    assert not list(folder.glob("*.safetensors"))


def put(home, weights, content=b"anything"):
    """A file under the name that upstream's has, as if copied there by hand or left by a download of before."""
    path = home / "cache" / "weights" / pretrained.DENSENET121[weights].file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_another_file_than_the_pinned_one_is_refused_before_it_is_read(home, monkeypatch):
    path = put(home, "chest-all")
    monkeypatch.setattr(pins, "PINS", {path.name: "0" * 64})
    monkeypatch.setattr(pretrained, "read_tensors", lambda _: pytest.fail("read"))
    with pytest.raises(ConfigError, match=r"is not the file that was published .*expected the SHA-256 0{12}…, got"):
        build("xrv_densenet121", ("Mass",), SIZE, "chest-all")


def test_the_pinned_file_is_read_and_its_copy_carries_a_checksum(published, home, monkeypatch):
    build("xrv_densenet121", ("Mass",), SIZE, "chest-all", download=True)
    (kept,) = (home / "cache" / "weights").iterdir()
    assert check(kept) is True
    content = bytearray(kept.read_bytes())
    content[-9] ^= 1
    kept.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{kept.name} is damaged .*Delete it and fetch it again"):
        build("xrv_densenet121", ("Mass",), SIZE, "chest-all")


def test_a_file_of_which_no_checksum_is_known_says_so(published, caplog):
    build("xrv_densenet121", ("Mass",), SIZE, "chest-pc", download=True)
    assert f"No checksum is known of {pretrained.DENSENET121['chest-pc'].file}" in caplog.text
