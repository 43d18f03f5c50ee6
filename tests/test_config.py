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


CHANGED = [
    ({"augment": True}, "augment makes images"),
    ({"mixup": 0.1}, "mixup makes images"),
    ({"augment": True, "mixup": 0.1}, "augment and mixup make images"),
]


@pytest.mark.parametrize(("train", "sentence"), CHANGED)
def test_a_cached_teacher_is_not_asked_about_changed_images(train, sentence):
    """The answer to the image as it comes would be held against the student's answer to another one."""
    values = {"name": "a", "student_train": train}
    for objective in ({}, {"view": "cached"}, {"view": "cached", "name": "bkd", "alpha": 0.9}):
        asked = rf"{sentence} that a cached teacher was never asked about: set {{objective\.view}} to same"
        with pytest.raises(ValidationError, match=asked):
            RunConfig.model_validate(values | {"objective": objective})
        with pytest.raises(ValidationError, match=asked):
            RunConfig.model_validate_json(json.dumps(values | {"objective": objective}))
    assert RunConfig.model_validate(values | {"objective": {"view": "same"}}).student_train.changes
    assert RunConfig(name="a", teacher_train=train).objective.view == "cached", "a teacher has no teacher"


@pytest.mark.parametrize(("train", "_"), CHANGED)
def test_what_a_run_did_is_read_back_even_where_it_is_refused_today(train, _):
    values = {"name": "a", "student_train": train, "objective": {"view": "cached"}}
    config = RunConfig.recorded(values)
    assert config.student_train.model_dump(include=set(train)) == train
    assert config.objective.view == "cached"
    assert RunConfig.recorded(json.loads(config.model_dump_json())) == config
    for wrong in ({"typo": 1}, {"seeds": [1, 1]}, {"student_train": {"mixup": -1}}):
        with pytest.raises(ValidationError):
            RunConfig.recorded(values | wrong)


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
