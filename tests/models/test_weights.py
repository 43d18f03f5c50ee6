import json
import pickle
import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cxrkd.checksums import KEY, check, seal
from cxrkd.errors import AnswerError, RunError
from cxrkd.models import weights as weights_module
from cxrkd.models.weights import fingerprint, load_weights, save_weights
from cxrkd.models.zoo import build

LABELS = ("Mass", "Nodule")


@pytest.fixture
def model():
    """A network whose running statistics are no longer the initial ones."""
    torch.manual_seed(0)
    model = build("eeea_net_c1", LABELS, 32)
    with torch.no_grad():
        for _ in range(3):
            model.train()(torch.rand(4, 1, 32, 32))
    return model.eval()


@pytest.fixture
def path(tmp_path, model):
    save_weights(model, tmp_path / "models" / "alone.safetensors")
    return tmp_path / "models" / "alone.safetensors"


def test_round_trip(model, path):
    loaded = load_weights(path)
    assert (loaded.arch, loaded.labels, loaded.input_size) == ("eeea_net_c1", LABELS, 32)
    assert not loaded.training
    x = torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), model(x), rtol=2e-2, atol=2e-3)
    for name, tensor in model.state_dict().items():
        got = loaded.state_dict()[name]
        assert got.dtype == tensor.dtype, name
        torch.testing.assert_close(got, tensor, rtol=2**-11, atol=2**-24, msg=name)  # half an ulp of float16


def test_the_file_is_half_the_size_of_float32(model, path):
    state = sum(t.numel() for t in model.state_dict().values())
    assert 2 * state < path.stat().st_size < 2.2 * state


def test_saving_what_was_loaded_changes_nothing(path, tmp_path):
    loaded = load_weights(path)
    save_weights(loaded, tmp_path / "again.safetensors")
    assert fingerprint(load_weights(tmp_path / "again.safetensors")) == fingerprint(loaded)


def test_running_variances_outside_float16_survive(model, tmp_path):
    norm = next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    norm.running_var[:3] = torch.tensor([1e-9, 3e-6, 1e7])
    save_weights(model, tmp_path / "w.safetensors")
    loaded = next(m for m in load_weights(tmp_path / "w.safetensors").modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert torch.equal(loaded.running_var, norm.running_var)


@pytest.mark.parametrize("scale", [1e7, 1e-7])
def test_kernels_outside_float16_stay_float32(model, tmp_path, scale):
    model.backbone.classifier.weight.data *= scale
    save_weights(model, tmp_path / "w.safetensors")
    loaded = load_weights(tmp_path / "w.safetensors")
    assert torch.equal(loaded.backbone.classifier.weight, model.backbone.classifier.weight)
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        assert file.get_tensor("backbone.stem.0.weight").dtype == torch.float16
        assert file.get_tensor("backbone.classifier.weight").dtype == torch.float32


def test_loading_leaves_the_random_state_alone(path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_weights(path)
    assert torch.equal(torch.rand(3), expected)


def test_saving_does_not_change_the_model(model, path):
    assert all(t.dtype in (torch.float32, torch.int64) for t in model.state_dict().values())


def test_a_failed_save_leaves_the_old_file(model, path, monkeypatch):
    before = path.read_bytes()

    def breaks(tensors, part, metadata):
        part.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(weights_module, "save_file", breaks)
    with pytest.raises(OSError, match="No space"):
        save_weights(model, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("keep", [0, 5, 100, 5000, -1])
def test_a_truncated_file(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match=r"alone\.safetensors is damaged"):
        load_weights(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled a weights file",))


@pytest.mark.parametrize("content", [b"not weights", pickle.dumps(Bomb()), b"\xff" * 64, b"PK\x03\x04" + bytes(100)])
def test_a_foreign_file_is_refused_and_never_unpickled(path, content):
    path.write_bytes(content)
    with pytest.raises(RunError, match="damaged or not a safetensors file"):
        load_weights(path)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(RunError, match="no weights file"):
        load_weights(tmp_path / "none.safetensors")
    with pytest.raises(RunError):
        load_weights(tmp_path)


def test_tensors_of_another_program(tmp_path):
    save_file({"w": torch.ones(2)}, tmp_path / "w.safetensors")
    with pytest.raises(RunError, match="was not written by this program"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "resnet18"}, "does not hold the weights of resnet18"),
        ({"arch": "nothing"}, "Unknown network"),
        ({"labels": json.dumps(["a", "b", "c"])}, "with 3 labels"),
        ({"labels": "["}, "cannot be built"),
        ({"labels": "4"}, "cannot be built"),
        ({"input_size": "big"}, "cannot be built"),
        ({"input_size": "-1"}, "takes inputs of"),
        ({"cxrkd_format": "9"}, "was not written by this program"),
    ],
)
def test_metadata_that_does_not_fit_the_tensors(path, changes, message):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata | changes)
    seal(path)
    with pytest.raises(RunError, match=message):
        load_weights(path)


def flip(path, offsets):
    content = bytearray(path.read_bytes())
    for offset in offsets:
        content[offset] ^= 1 << offset % 8
    path.write_bytes(content)


@pytest.mark.parametrize("count", [1, 20, 3000])
def test_flipped_bits_among_the_weights(path, count):
    flip(path, random.Random(count).sample(range(60_000, path.stat().st_size), count))
    with pytest.raises(RunError, match=r"models/alone\.safetensors is damaged: expected the checksum"):
        load_weights(path)


def test_no_bit_of_the_names_around_the_weights_is_trusted(path):
    """Of the whole header only the checksum's own digits are outside the checksum."""
    whole = path.read_bytes()
    start = whole.index(b'"__metadata__"')
    for offset in range(start, start + 400, 3):
        flip(path, [offset])
        with pytest.raises(RunError):
            load_weights(path)
        path.write_bytes(whole)


def rewritten(path, **metadata):
    """The same tensors with other metadata and no checksum."""
    with safe_open(path, "pt") as file:
        found = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    found.pop(KEY)
    save_file(tensors, path, found | metadata)


def test_a_checksum_that_was_taken_out(path):
    rewritten(path)
    with pytest.raises(RunError, match="has lost its checksum"):
        load_weights(path)


def test_files_of_the_format_before_checksums_are_read(model, path):
    rewritten(path, cxrkd_format="1")
    assert fingerprint(load_weights(path)) != ""
    assert check(path) is False


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["backbone.stem.0.weight", "backbone.classifier.weight", "backbone.classifier.bias"])
def test_weights_that_are_no_numbers_are_neither_written_nor_read(model, path, value, name):
    with safe_open(path, "pt") as file:
        metadata = file.metadata() | {"cxrkd_format": "1"}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    metadata.pop(KEY)
    tensors[name].view(-1)[0] = value
    save_file(tensors, path, metadata)
    with pytest.raises(AnswerError, match=rf"alone\.safetensors: 1 of the weights {name} are no numbers"):
        load_weights(path)
    model.get_parameter(name).data.view(-1)[0] = value
    with pytest.raises(AnswerError, match="was not written to w"):
        save_weights(model, path.with_name("w.safetensors"))
    assert not path.with_name("w.safetensors").exists()


def test_fingerprint_names_the_function_not_its_storage(model):
    before = fingerprint(model)
    assert fingerprint(model.train()) == before
    assert fingerprint(model.eval().to(memory_format=torch.channels_last)) == before
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    assert fingerprint(model) == before


def test_fingerprint_changes_with_every_part(model):
    seen = {fingerprint(model)}
    model.labels = ("Nodule", "Mass")
    seen.add(fingerprint(model))
    model.backbone.classifier.bias.data[0] += 1e-6
    seen.add(fingerprint(model))
    next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)).running_mean[0] += 1e-6
    seen.add(fingerprint(model))
    assert len(seen) == 4
