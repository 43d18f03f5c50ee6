"""One reading for questions that come together, and never a table that is not what its files say."""

import os

import numpy as np
import pytest

from cxrkd.access.confine import confined
from cxrkd.config import READERS
from cxrkd.data import cohort_size, load_cohort, once
from cxrkd.data.readers import folder
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.errors import DataError


@pytest.fixture
def readings(monkeypatch):
    """How often the tables of folders were read."""
    seen, read_csv = [], folder.read_csv
    monkeypatch.setattr(folder, "read_csv", lambda path, *rest: seen.append(path) or read_csv(path, *rest))
    monkeypatch.setattr(once, "_last", None)
    return seen


@pytest.fixture
def config(own):
    age(own.table)
    return FolderConfig(folder=own.folder, image_size=32)


def age(path, seconds=100):
    os.utime(path, (1e9 + seconds, 1e9 + seconds))


def test_it_is_read_once_for_all_that_ask(config, readings):
    first = load_cohort(config)
    assert cohort_size(config) == (24, len(first.rows("train")))
    again = load_cohort(config)
    assert len(readings) == 1
    np.testing.assert_array_equal(again.targets, first.targets)
    assert again.pixels is not first.pixels


def test_what_image_files_there_are_is_seen_anew(config, own, readings):
    before = load_cohort(config).fingerprint
    age(own.folder / own.rows[3]["image"])
    assert load_cohort(config).fingerprint != before
    (own.folder / own.rows[3]["image"]).unlink()
    with pytest.raises(DataError, match="is gone or cannot be reached"):
        load_cohort(config).prepare()
    assert len(readings) == 1


def test_a_table_that_changed_another_question_and_another_minute_read_again(config, own, readings, monkeypatch):
    load_cohort(config)
    own.rows[0]["Effusion"] = 1
    own.write()
    age(own.table, 200)
    assert load_cohort(config).targets[0, 0] == 1
    load_cohort(config.model_copy(update={"seed": 5}))
    with confined([own.folder]):
        load_cohort(config)
    with confined([own.folder / "p0"]), pytest.raises(DataError, match="cannot be read as asked"):
        load_cohort(config)
    assert len(readings) == 4, "the last was refused before anything was read"
    load_cohort(config)
    monkeypatch.setattr(once, "KEPT_S", 0.0)
    load_cohort(config)
    assert len(readings) == 6


def test_what_was_written_a_moment_ago_is_not_kept(config, own, readings):
    own.write()
    load_cohort(config)
    load_cohort(config)
    assert len(readings) == 2


def test_readers_name_what_they_read(nih, chexpert, padchest, own, npz, monkeypatch):
    """Whatever a reader opens is in its list of tables; the trees of these fixtures lie in one folder."""
    opened, read_bytes = set(), type(own.folder).read_bytes
    monkeypatch.setattr(once, "_last", None)
    monkeypatch.setattr(type(own.folder), "read_bytes", lambda path: opened.add(path) or read_bytes(path))
    configs = [ChestXray14Config, CheXpertConfig, PadChestConfig, FolderConfig]
    for config in [kind(folder=own.folder) for kind in configs] + [ChestMnistConfig(folder=npz[0], size=28)]:
        opened.clear()
        load_cohort(config)
        tables = READERS[config.kind].tables(config)
        assert opened <= set(tables)
        assert all(path.exists() for path in tables[:1])
