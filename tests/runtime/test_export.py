import copy
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
import torch

from cxrkd.checksums import check
from cxrkd.errors import EngineError
from cxrkd.models.classifier import Classifier
from cxrkd.models.weights import fingerprint
from cxrkd.models.zoo import build, list_archs
from cxrkd.places import home
from cxrkd.runtime import export
from cxrkd.runtime.export import export_onnx
from cxrkd.runtime.select import build_engine


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export_onnx(model, tmp_path_factory.mktemp("export") / "student.onnx")


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return tmp_path / "cache" / "engines"


def test_one_file_for_any_batch_that_answers_like_pytorch(exported, images, expected):
    assert [p.name for p in exported.parent.iterdir()] == ["student.onnx"]
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    (image,), (logits,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape[1:], logits.name) == ("image", [1, 16, 16], "logits")
    assert isinstance(image.shape[0], str), "the batch must stay open"
    for batch in (1, 2, 7):
        got = session.run(None, {"image": images[:batch]})[0]
        np.testing.assert_allclose(got, expected[:batch], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("arch", ["eeea_net_c2", "densenet121", "convnext_tiny", "vit_small_patch16_224", "resnet50"])
def test_folding_the_normalisation_changes_nothing(arch):
    network = build(arch, ("a", "b"), 64).eval()
    folded = export.fold_normalisation(copy.deepcopy(network))
    x = torch.rand(2, 1, 64, 64)
    assert not isinstance(folded, Classifier)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("arch", list_archs())
def test_every_network_is_a_file_that_answers_alike(arch, tmp_path):
    """`export_onnx` holds its probabilities against PyTorch's; here the logits are, on films of this test."""
    torch.manual_seed(0)
    network = build(arch, ("a", "b"), 64).eval()
    session = onnxruntime.InferenceSession(str(export_onnx(network, tmp_path / "network.onnx")))
    x = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(x).numpy()
    np.testing.assert_allclose(session.run(None, {"image": x.numpy()})[0], expected, rtol=1e-3, atol=1e-4)


def test_a_network_with_another_beginning_is_exported_as_it_is(model):
    twin = copy.deepcopy(model)
    twin.backbone.trunk[0] = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 8, 3, 2, 1))
    assert export.fold_normalisation(twin) is twin


def test_the_file_says_what_it_is(exported):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) == ["Mass", "Nodule", "Edema"]
    assert (metadata["arch"], metadata["input_size"]) == ("toy", "16")


def test_exporting_leaves_the_model_alone(model, tmp_path):
    before = fingerprint(model)
    model.train()
    try:
        export_onnx(model, tmp_path / "a.onnx")
        assert model.training
    finally:
        model.eval()
    assert fingerprint(model) == before


def test_a_file_that_differs_is_not_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "PARITY", -1.0)
    with pytest.raises(EngineError, match="differs from PyTorch"):
        export_onnx(model, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_parity_is_checked_against_the_model_itself(model, tmp_path, monkeypatch):
    """A writer that exports other weights is caught."""
    write = export._write

    def wrong(model, path):
        other = torch.nn.Module.__new__(type(model))
        other.__dict__.update(model.__dict__)
        other._modules = {"backbone": copy.deepcopy(model.backbone)}
        other.backbone.head[-1].bias.data += 0.1
        write(other, path)

    monkeypatch.setattr(export, "_write", wrong)
    with pytest.raises(EngineError, match="differs from PyTorch"):
        export_onnx(model, tmp_path / "a.onnx")


def test_a_network_that_onnx_cannot_express(model, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(EngineError, match=r"toy cannot be written as ONNX \(RuntimeError: no such operator\)"):
        export_onnx(model, tmp_path / "a.onnx")


def test_the_cache_exports_once_and_serves_both_engines(model, own_home, monkeypatch, images, expected):
    build_engine(model, "onnxruntime", threads=1)
    assert len(list(own_home.iterdir())) == 1
    monkeypatch.setattr(export, "_write", lambda model, path: pytest.fail("exported again"))
    for name in ("onnxruntime", "openvino"):
        np.testing.assert_allclose(build_engine(model, name, threads=1).predict(images), expected, rtol=1e-4, atol=1e-5)
    assert own_home.is_relative_to(home())


def test_threads_that_want_the_same_file_export_it_once(model, own_home, monkeypatch):
    calls = []
    write = export._write
    monkeypatch.setattr(export, "_write", lambda model, path: (calls.append(path), write(model, path)))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: build_engine(model, "onnxruntime", threads=1), range(3)))
    assert len(calls) == 1


def flip_in_a_weight(content, model):
    """A bit of the last layer: the file still loads, and answers something else."""
    at = content.index(model.backbone.head[-1].bias.detach().numpy().tobytes()) + 3
    return content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("name", "damage"), [("onnxruntime", flip_in_a_weight), ("openvino", lambda content, _: content[:100])]
)
def test_a_damaged_file_in_the_cache_is_made_again(model, own_home, images, expected, name, damage):
    build_engine(model, "onnxruntime", threads=1)
    (path,) = own_home.iterdir()
    assert check(path) is True
    path.write_bytes(damage(path.read_bytes(), model))
    engine = build_engine(model, name, threads=1)
    np.testing.assert_allclose(engine.predict(images), expected, rtol=1e-4, atol=1e-5)


def test_other_weights_are_another_file(model, own_home, monkeypatch):
    monkeypatch.setattr(export, "_write", lambda model, path: path.write_bytes(b""))
    monkeypatch.setattr(export, "_check", lambda model, path: None)
    other = copy.deepcopy(model)
    other.backbone.head[-1].bias.data[0] += 1
    export._cached(model)
    export._cached(other)
    assert len(list(own_home.iterdir())) == 2


def test_the_cache_forgets_what_was_not_used_for_longest(model, own_home, monkeypatch):
    monkeypatch.setattr(export, "_write", lambda model, path: path.write_bytes(b""))
    monkeypatch.setattr(export, "_check", lambda model, path: None)
    monkeypatch.setattr(export, "CACHE_LIMIT", 2)
    own_home.mkdir(parents=True)
    for age in (30, 20, 10):
        old = own_home / f"old-{age}.onnx"
        old.touch()
        os.utime(old, (1e9 - age, 1e9 - age))
    path = export._cached(model)
    assert {p.name for p in own_home.iterdir()} == {path.name, "old-10.onnx"}
