"""Every format that carries a checksum, damaged in every way that its own reader may swallow."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cxrkd.checksums import KEY, LIST, ChecksumError, check, enlist, relist, seal
from cxrkd.errors import CxrkdError

FORMATS = ["w.safetensors", "w.npz", "w.ckpt", "w.onnx"]


def write(path):
    """A plain file of about 30 kB in the format of its suffix."""
    values = np.random.default_rng(0).normal(size=(40, 100))
    if path.suffix == ".safetensors":
        save_file({"w": torch.from_numpy(values)}, path, {"arch": "toy"})
    elif path.suffix == ".npz":
        np.savez_compressed(path, logits=values)
    elif path.suffix == ".ckpt":
        torch.save({"w": torch.from_numpy(values)}, path)
    else:
        onnx = pytest.importorskip("onnx")
        tensor = onnx.numpy_helper.from_array(values, "w")
        graph = onnx.helper.make_graph([], "g", [], [], [tensor])
        onnx.save(onnx.helper.make_model(graph), path)
    return path


def read(path):
    """What the format's own reader finds in it."""
    if path.suffix == ".safetensors":
        return load_file(path)["w"].numpy()
    if path.suffix == ".npz":
        return np.load(path)["logits"]
    if path.suffix == ".ckpt":
        return torch.load(path, weights_only=True)["w"].numpy()
    import onnx

    return onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])


@pytest.fixture(params=FORMATS)
def sealed(request, tmp_path):
    path = write(tmp_path / request.param)
    seal(path)
    return path


def test_a_sealed_file_is_read_as_before_and_holds(sealed, tmp_path):
    (tmp_path / "plain").mkdir()
    plain = write(tmp_path / "plain" / sealed.name)
    assert check(sealed) is True
    assert check(plain) is False
    assert np.array_equal(read(sealed), read(plain))


def flipped(content, bits):
    damaged = bytearray(content)
    for bit in bits:
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("count", [1, 20, 3000])
def test_flipped_bits_are_found(sealed, count):
    content, rng = sealed.read_bytes(), random.Random(count)
    for _ in range(20):
        # The last hundred bytes, and the header, may hold the checksum's name: see the next test.
        first, last = (1 << 12, 8 * len(content)) if sealed.suffix == ".safetensors" else (0, 8 * (len(content) - 100))
        sealed.write_bytes(flipped(content, rng.sample(range(first, last), count)))
        with pytest.raises(ChecksumError, match=rf"{sealed.name} is damaged"):
            check(sealed)


def test_no_single_bit_passes_unless_it_hides_the_checksum(sealed):
    content = sealed.read_bytes()
    name = content.index(KEY.encode())
    start = 0 if sealed.suffix == ".safetensors" else len(content) - 130
    for byte in range(start, start + 230 if not start else len(content)):
        sealed.write_bytes(flipped(content, [8 * byte + byte % 7]))
        try:
            held = check(sealed)
        except ChecksumError:
            continue
        assert held is False
        assert name - 4 <= byte < name + len(KEY) + 4, byte  # the digits and what says that they are digits


@pytest.mark.parametrize("keep", [0, 5, 100, 5000, -1])
def test_a_truncated_file_never_holds(sealed, keep):
    sealed.write_bytes(sealed.read_bytes()[:keep])
    if sealed.suffix == ".safetensors":
        with pytest.raises(ChecksumError, match="is damaged"):
            check(sealed)
    else:
        assert check(sealed) is False  # its reader refuses it: these formats have their ends at the end


def test_an_edited_header(tmp_path):
    path = write(tmp_path / "w.safetensors")
    seal(path)
    path.write_bytes(path.read_bytes().replace(b'"toy"', b'"tox"'))
    with pytest.raises(ChecksumError, match=r"expected the checksum [0-9a-f]{12}…, got [0-9a-f]{12}…"):
        check(path)


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b'"x"', b"[" * 100_000, b"\xff\xfe", b"9" * 5000])
def test_a_header_that_is_none(tmp_path, header):
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ChecksumError, match="not a safetensors file"):
        check(path)


def test_a_header_longer_than_the_file(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(ChecksumError, match="not a safetensors file"):
        check(path)


def test_a_checksum_that_is_none(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({"w": torch.ones(3)}, path, {KEY: "of the heart"})
    with pytest.raises(ChecksumError, match="no SHA-256"):
        check(path)


def test_onnx_readers_see_the_checksum_as_metadata(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = write(tmp_path / "w.onnx")
    seal(path)
    assert {p.key: p.value for p in onnx.load(path).metadata_props}.keys() == {KEY}


def test_zip_readers_see_it_as_a_comment(tmp_path):
    path = write(tmp_path / "w.npz")
    seal(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.comment.startswith(KEY.encode())
        assert archive.testzip() is None


def test_what_cannot_be_sealed(tmp_path):
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(ValueError, match="list the file"):
        seal(tmp_path / "a.csv")
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="zip archive"):
        seal(tmp_path / "a.npz")


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "run" / "predictions" / "cases.csv"
    path.parent.mkdir(parents=True)
    path.write_text("id,patient\n1,2\n")
    enlist(path, tmp_path / "run")
    return path


def test_a_list_is_what_sha256sum_reads(listed):
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()
    assert (listed.parents[1] / LIST).read_text() == f"{digest}  predictions/cases.csv\n"
    assert check(listed) is True
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum to read the list with")
    done = subprocess.run(["sha256sum", "-c", LIST], cwd=listed.parents[1], capture_output=True, check=False)
    assert done.returncode == 0


def test_a_listed_file_that_changed(listed):
    listed.write_text("id,patient\n1,3\n")
    with pytest.raises(ChecksumError, match=r"run/predictions/cases\.csv is damaged: expected the checksum"):
        check(listed)
    relist(listed)
    assert check(listed) is True


def test_a_file_beside_a_list_is_not_in_it(listed):
    other = listed.with_name("other.csv")
    other.write_text("x")
    relist(other)
    assert check(other) is False


def test_a_checksum_that_was_stripped_where_the_list_knows_better(tmp_path):
    path = write(tmp_path / "w.safetensors")
    enlist(path, tmp_path)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    del header["__metadata__"]
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + raw[8 + length :])
    with pytest.raises(ChecksumError, match="is damaged"):
        check(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"nothing\n", b"0" * 63 + b"  cases.csv\n"])
def test_a_damaged_list_is_blamed_itself(listed, content):
    (listed.parents[1] / LIST).write_bytes(content)
    with pytest.raises(ChecksumError, match=rf"{LIST} is damaged"):
        check(listed)


@pytest.mark.parametrize("name", ["none.safetensors", "none.csv", "folder.safetensors"])
def test_what_is_no_file_is_named(tmp_path, name):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(CxrkdError, match=rf"{name} cannot be read"):
        check(tmp_path / name)


@pytest.mark.parametrize("which", ["the file", "its list"])
@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_what_is_no_file_is_neither_read_to_its_end_nor_waited_for(tmp_path, which, kind):
    path = tmp_path / "predictions" / "cases.csv"
    path.parent.mkdir()
    place = path if which == "the file" else tmp_path / LIST
    path.write_text("id\n") if which == "its list" else None
    if kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(ChecksumError, match=place.name):
        check(path)
