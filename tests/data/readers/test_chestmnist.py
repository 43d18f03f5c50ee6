import hashlib
import runpy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from cxrkd.config import ChestMnistConfig
from cxrkd.data.decode import decode, decode_chunks
from cxrkd.data.readers import chestmnist, read_table
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14
from tests.webserver import web


def test_rows_are_the_published_splits_in_order(npz):
    path, arrays = npz
    found = read_table(ChestMnistConfig(folder=path.parent, size=28))
    assert found.labels == CHESTXRAY14
    assert {name: len(found.rows(name)) for name in ("train", "val", "test")} == {"train": 6, "val": 2, "test": 3}
    np.testing.assert_array_equal(found.targets[:6], arrays["train_labels"])
    assert len(set(found.patients)) == len(found), "no patients are known"
    assert "patients unknown" in found.name
    assert read_table(ChestMnistConfig(folder=path, size=28)).ids[-1] == "test-000002"


def test_images_are_those_of_the_file_whichever_are_asked_for(npz, monkeypatch):
    path, arrays = npz
    monkeypatch.setattr("cxrkd.data.decode._CHUNK_IMAGES", 2)
    found = read_table(ChestMnistConfig(folder=path, size=28))
    images = np.concatenate([arrays[f"{split}_images"] for split in ("train", "val", "test")])
    np.testing.assert_array_equal(decode(found.sources[7], 28), images[7])
    chunks = {chunk.chunk: chunk.pixels for chunk in decode_chunks(found, 28, [1, 2, 4])}
    for chunk, rows in ((1, slice(2, 4)), (2, slice(4, 6)), (4, slice(8, 10))):
        np.testing.assert_array_equal(chunks[chunk], images[rows])
    assert decode(found.sources[0], 32).shape == (32, 32)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"val_labels": None}, "no readable array val_labels"),
        ({"test_images": None}, "no readable array test_images"),
        ({"val_images": np.zeros((2, 64, 64), np.uint8)}, r"expected val_images as uint8 \(n, 28, 28\)"),
        ({"val_images": np.zeros((2, 28, 28), np.float32)}, "got float32"),
        ({"val_labels": np.full((2, 14), 3)}, "other values than 0 and 1"),
        ({"val_labels": np.zeros((2, 5))}, r"got uint8 \(2, 28, 28\) and \(2, 5\)"),
    ],
)
def test_a_file_that_is_not_chestmnist_is_one_sentence(tmp_path, tools, changes, sentence):
    tools[2](tmp_path / "chestmnist.npz", **changes)
    with pytest.raises(DataError, match=sentence):
        read_table(ChestMnistConfig(folder=tmp_path, size=28))


def test_a_cut_file_is_one_sentence(npz):
    path, _ = npz
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="Fetch the file again"):
        read_table(ChestMnistConfig(folder=path, size=28))


def test_without_consent_nothing_is_downloaded(tmp_path):
    with pytest.raises(DataError, match=r"There is no .*chestmnist_64.npz. Allow the download"):
        read_table(ChestMnistConfig(folder=tmp_path, size=64))
    assert list(tmp_path.iterdir()) == []


def test_addresses_and_checksums_are_those_that_the_authors_publish(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # their module makes a folder there
    module = runpy.run_path(str(Path(find_spec("medmnist").origin).with_name("info.py")))
    theirs = module["INFO"]["chestmnist"]
    for size, flag in ((28, ""), (64, "_64"), (128, "_128"), (224, "_224")):
        assert chestmnist.published(size) == (theirs[f"url{flag}"], theirs[f"MD5{flag}"])


@pytest.fixture
def published(tmp_path, tools, monkeypatch):
    """The published file is one of this machine; its address and checksum may be changed."""
    file = tmp_path / "published.npz"
    tools[2](file)
    with web({file.name: file.read_bytes()}) as address:
        info = {"url": f"{address}/{file.name}", "md5": hashlib.md5(file.read_bytes()).hexdigest()}
        monkeypatch.setattr(chestmnist, "published", lambda size: (info["url"], info["md5"]))
        yield info, ChestMnistConfig(folder=tmp_path / "kept", size=28, download=True)


def test_a_download_is_checked_and_told(published, monkeypatch):
    monkeypatch.setattr("cxrkd.download.BLOCK", 4096)
    calls = []
    found = read_table(published[1], lambda done, total: calls.append((done, total)))
    assert len(found) == 11
    assert len(calls) > 1
    assert calls[-1][0] == calls[-1][1] == chestmnist.npz_path(published[1]).stat().st_size


def test_a_download_that_is_wrong_or_impossible_leaves_nothing(published):
    info, config = published
    info["md5"] = "0" * 32
    with pytest.raises(DataError, match="nothing was kept"):
        read_table(config)
    info["url"] += ".gone"
    with pytest.raises(DataError, match="could not be downloaded"):
        read_table(config)
    assert list(config.folder.iterdir()) == []
