"""Configs survive a file; old files, which know one kind of data, load unchanged."""

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from cxrkd.config import (
    DATA_KINDS,
    ChestMnistConfig,
    ChestXray14Config,
    CheXpertConfig,
    DataConfig,
    FolderConfig,
    PadChestConfig,
    PhantomConfig,
    RunConfig,
    data_summary,
)

REAL = [ChestXray14Config, CheXpertConfig, PadChestConfig, ChestMnistConfig, FolderConfig]


@pytest.mark.parametrize("data", [PhantomConfig(), *(kind(folder="/data") for kind in REAL)], ids=lambda d: d.kind)
def test_every_kind_survives_its_file(data):
    config = RunConfig(name="a", data=data)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert data.kind in DATA_KINDS
    assert data_summary(data).startswith(data.kind)
    assert data_summary(data).endswith("224 px")
    for name, field in type(data).model_fields.items():
        assert name == "kind" or field.title, name


def test_a_file_from_before_there_were_kinds_is_phantom():
    config = RunConfig.model_validate_json(json.dumps({"name": "old", "data": {"n_patients": 60, "seed": 2}}))
    assert config.data == PhantomConfig(n_patients=60, seed=2)
    assert data_summary(config.data) == "phantom, 60 patients, seed 2, 224 px"


def test_folders_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ChestXray14Config(folder="nih").folder == tmp_path / "nih"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "mimic"},
        {"kind": "chestxray14"},
        {"kind": "chestxray14", "folder": "a", "n_patients": 5},
        {"kind": "chestmnist", "size": 32},
        {"kind": "chexpert", "folder": "a", "uncertain": "maybe"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(DataConfig).validate_python(wrong)
