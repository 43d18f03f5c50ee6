"""Configs survive a file; old files, which know one kind of data, load unchanged."""

import json
import re

import pytest
from pydantic import TypeAdapter, ValidationError

from cxrkd.config import READERS, DataConfig, RunConfig, TrainConfig, data_summary, trainable
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.refusals import refusals

REAL = [ChestXray14Config, CheXpertConfig, PadChestConfig, ChestMnistConfig, FolderConfig]


@pytest.mark.parametrize("data", [PhantomConfig(), *(kind(folder="/data") for kind in REAL)], ids=lambda d: d.kind)
def test_every_kind_survives_its_file(data):
    config = RunConfig(name="a", data=data)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert READERS[data.kind].config is type(data)
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


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"kind": "mimic"}, "data.kind", "data.kind: expected phantom, .*folder, got 'mimic'"),
        ({"kind": ["phantom"]}, "data.kind", "data.kind: expected phantom, .*folder, got "),
        ({"kind": None}, "data.kind", "data.kind: expected phantom, "),
        ({"kind": "folder", "folder": "a", "n_patients": 5}, "data.n_patients", "no such setting of folder data"),
        ({"n_patients": 3}, "data.n_patients", "expected at least 20, got 3"),
        ({"kind": "chexpert"}, "data.folder", "nothing was given"),
        (3, "data", "data: expected an object with settings, got 3"),
        (TrainConfig(), "data", "data: expected an object with settings"),
    ],
)
def test_a_refused_data_set_is_named_by_its_setting(data, key, sentence):
    for recorded in (False, True) if not isinstance(data, TrainConfig) else (False,):
        with pytest.raises(ValidationError) as refused:
            (RunConfig.recorded if recorded else RunConfig.model_validate)({"name": "x", "data": data})
        ((where, said),) = refusals(refused.value, lambda name: name).items()
        assert where == key
        assert re.search(sentence, said)


def test_what_a_run_recorded_of_its_data_is_held_to_its_types():
    with pytest.raises(ValidationError):
        RunConfig.recorded({"name": "x", "data": {"kind": "phantom", "n_patients": "40"}})
    recorded = {"kind": "folder", "folder": "/films", "labels": ["Mass"], "table": "a.csv"}
    assert RunConfig.recorded({"name": "x", "data": recorded}).data == FolderConfig(**recorded)


def test_no_run_is_made_on_films_that_are_there_to_be_looked_at():
    for data in ({"kind": "samples"}, SamplesConfig()):
        with pytest.raises(ValidationError):
            RunConfig(name="x", data=data)
    assert TypeAdapter(DataConfig).validate_python({"kind": "samples"}) == SamplesConfig()
    assert "samples" not in trainable()
    assert set(trainable()) < set(READERS)
