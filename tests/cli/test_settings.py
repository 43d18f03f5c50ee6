import argparse
import json
import re
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from cxrkd.cli.settings import add_flags, flag_name, flags, run_config
from cxrkd.config import OBJECTIVES, READERS, ObjectiveConfig, RunConfig
from cxrkd.config.hints import hints
from cxrkd.config.settings import VARIANTS, Variants, settings
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.errors import ConfigError
from cxrkd.registry import Entry


def parse(*words):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return run_config(parser.parse_args([str(word) for word in words]))


def leaf(config, key):
    for part in key.split("."):
        config = getattr(config, part)
    return config


def test_without_flags_a_config_is_the_programs_own():
    assert parse("--name", "x") == RunConfig(name="x")


@pytest.mark.parametrize(("words", "what"), [(("--mixup", 0.2), "mixup"), (("--augment",), "augment")])
def test_settings_that_contradict_each_other_are_one_sentence(words, what, tmp_path):
    sentence = rf"^{what.capitalize()} makes images .*: set --view to same\.$"
    with pytest.raises(ConfigError, match=sentence):
        parse("--name", "x", *words)
    with pytest.raises(ConfigError, match=sentence):
        parse("--name", "x", *words, "--view", "cached")
    path = tmp_path / "config.json"
    path.write_text(parse("--name", "x", *words, "--view", "same").model_dump_json())
    assert parse("--config", path).objective.view == "same"
    with pytest.raises(ConfigError, match=sentence):
        parse("--config", path, "--view", "cached")


def help_text():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return " ".join(parser.format_help().split())


def test_help_says_which_flags_need_the_same_view():
    text = help_text()
    for name in ("--mixup X", "--augment, --no-augment"):
        assert re.search(rf" {name} [^-]* only with --view set to same", text)


def test_help_is_grouped_and_says_what_a_run_does_that_is_told_nothing():
    text = help_text()
    for group in ("The run", "Data and seeds", "Pretrained weights", "Training of the students", "Objective"):
        assert f"{group}:" in text
    assert "--epochs N Epochs at full size (default 4)" in text
    assert "--teacher-epochs N Epochs at full size (default 5)" in text
    assert "--patients N phantom: Patients; each has one to four images (default 400)" in text
    assert "--control, --no-control" in text


BOTH = ("teacher_train", "student_train")
BEFORE = {
    "--name": ("name",),
    "--teacher": ("teacher_arch",),
    "--teacher-from": ("teacher_from",),
    "--teacher-weights": ("teacher_weights",),
    "--student": ("student_arch",),
    "--student-weights": ("student_weights",),
    "--student-from": ("student_from",),
    "--seeds": ("seeds",),
    "--kind": ("data.kind",),
    "--folder": ("data.folder",),
    "--published-size": ("data.size",),
    "--patients": ("data.n_patients",),
    "--image-size": ("data.image_size",),
    "--data-seed": ("data.seed",),
    "--epochs": ("student_train.epochs",),
    "--warm-epochs": ("student_train.warm_epochs",),
    "--learning-rate": ("student_train.learning_rate",),
    "--teacher-epochs": ("teacher_train.epochs",),
    "--teacher-warm-epochs": ("teacher_train.warm_epochs",),
    "--teacher-learning-rate": ("teacher_train.learning_rate",),
    **{
        f"--{name.replace('_', '-')}": tuple(f"{who}.{name}" for who in BOTH)
        for name in ("warm_size", "batch_size", "mixup", "precision", "augment")
    },
    "--objective": ("objective.name",),
    **{f"--{name}": (f"objective.{name}",) for name in ("alpha", "temperature", "view", "gamma")},
    "--no-control": ("control",),
    "--teacher-as-is": ("teacher_trained",),
    "--download": ("download",),
}


def test_flags_that_people_know_mean_what_they_meant():
    meant = {name: flag.keys for flag in flags() for name in (*flag.names, *flag.off)}
    assert {name: meant[name] for name in BEFORE} == BEFORE


def leaves(model, prefix=""):
    """Every key that a config of that model can hold, found without the settings that flags are made from."""
    registries = {"data": READERS, "objective": OBJECTIVES}
    variants = {part: [entry.config for entry in registry.values()] for part, registry in registries.items()}
    for name, field in model.model_fields.items():
        inner = variants.get(f"{prefix}{name}", [type(field.default)] if isinstance(field.default, BaseModel) else [])
        for one in inner:
            yield from leaves(one, f"{prefix}{name}.")
        if not inner:
            yield prefix + name


def test_every_setting_of_a_run_has_a_flag():
    assert {key for flag in flags() for key in flag.keys} == set(leaves(RunConfig))


def test_no_two_settings_share_a_flag():
    names = [name for flag in flags() for name in (*flag.names, *flag.off)]
    assert len(names) == len(set(names))


VALUES = {
    "data.folder": Path("/films"),
    "data.table": Path("films.csv"),
    "data.labels": {"--label-set": "torchxrayvision", "--label-columns": ("a", "b")},
    "seeds": (3, 1),
    "teacher_arch": "resnet50",
    "student_arch": "resnet18",
    "data.kind": "chestmnist",
    "objective.name": "bkd",
    "objective.also": (OBJECTIVES["bkd"].term(),),
    "teacher_weights": "chest-nih",
}
NEEDED = {
    "--mixup": ["--view", "same"],
    "--augment": ["--view", "same"],
    "--student-mixup": ["--view", "same"],
    "--student-augment": ["--view", "same"],
    "--degrade": ["--view", "same"],
    "--student-degrade": ["--view", "same"],
    "--teacher-trained": ["--teacher-weights", "chest-nih"],
    "--kind": ["--folder", "/films"],
    "--student-size": ["--image-size", "80"],
}


def another(flag):
    """A value that the flag can have and that is not the program's own."""
    setting, known = flag.setting, VALUES.get(flag.setting.key)
    if known is not None:
        return known[flag.names[0]] if isinstance(known, dict) else known
    if setting.literals:
        return next(value for value in reversed(setting.literals) if value != setting.default)
    if setting.type is bool:
        return not setting.default
    return {int: 40, float: 0.25, str: "another"}[setting.type]


def as_words(flag, value):
    if isinstance(value, bool):
        return [flag.names[0] if value else flag.off[-1]]
    return [
        flag.names[-1],
        ",".join(str(getattr(one, "name", one)) for one in value) if isinstance(value, tuple) else value,
    ]


@pytest.mark.parametrize("flag", flags(), ids=lambda flag: flag.names[-1])
def test_every_flag_reaches_every_key_it_names(flag):
    value, variants = another(flag), flag.setting.variants
    words = as_words(flag, value) if flag.keys == ("name",) else ["--name", "x", *as_words(flag, value)]
    kind = variants[0] if flag.keys[0].startswith("data.") and variants else "phantom"
    real = (
        [] if kind == "phantom" else ["--kind", kind, *(["--folder", "/films"] if flag.names[0] != "--folder" else [])]
    )
    own = flag.keys[0].startswith("objective.") and variants and "paper" not in variants
    objective = ["--objective", variants[0]] if own else []
    config = parse(*words, *real, *objective, *NEEDED.get(flag.names[0], []))
    assert [leaf(config, key) for key in flag.keys] == [value] * len(flag.keys)


def test_one_network_is_trained_otherwise_than_the_other():
    config = parse("--name", "x", "--batch-size", 16, "--teacher-batch-size", 8, "--weight-decay", 0.1)
    assert (config.teacher_train.batch_size, config.student_train.batch_size) == (8, 16)
    assert (config.teacher_train.weight_decay, config.student_train.weight_decay) == (0.1, 0.1)
    with pytest.raises(ConfigError, match=r"^--teacher-batch-size: expected at least 1, got 0\.$"):
        parse("--name", "x", "--batch-size", 16, "--teacher-batch-size", 0)


def test_a_switch_of_a_file_can_be_turned_the_other_way(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"name": "x", "control": False, "download": True}))
    assert (parse("--config", path).control, parse("--config", path).download) == (False, True)
    config = parse("--config", path, "--control", "--no-download")
    assert (config.control, config.download) == (True, False)


def test_another_kind_of_data_leaves_behind_what_it_does_not_know(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"name": "x", "data": {"n_patients": 50, "image_size": 64}}))
    config = parse("--config", path, "--kind", "chestmnist")
    assert config.data == ChestMnistConfig(image_size=64)


def test_a_file_is_overridden_by_flags_and_keeps_the_rest(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"name": "file", "data": {"n_patients": 50}, "teacher_train": {"epochs": 7}}))
    config = parse("--config", path, "--patients", 60, "--no-control")
    assert (config.name, config.data.n_patients, config.teacher_train.epochs, config.control) == ("file", 60, 7, False)
    assert config.teacher_train.precision == "bf16-mixed", "the run's default for teachers, not the class's"


def test_the_config_of_a_run_can_be_used_again(tmp_path):
    path = tmp_path / "config.json"
    first = RunConfig(name="one", seeds=(2, 5), control=False)
    path.write_text(json.dumps(first.model_dump(mode="json")))
    assert parse("--config", path) == first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds list"),
        ('{"name": "x", "typo": 1}', "typo"),
        ('{"name": "x", "data": 3}', "data"),
        ('{"data": {}}', "--name NAME"),
        ('{"name": "x", "seeds": [1, 1]}', "Seeds must differ"),
        ('{"name": "x", "seeds": [1], "seeds": [2]}', "'seeds' stands there twice"),
        ('{"name": "x", "objective": {"also": ["cam"]}}', "objective.also.0 in .*: expected an object with settings"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        parse("--config", path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--patients", 3], r"^--patients: expected at least 20, got 3\.$"),
        (["--alpha", 2], r"^--alpha: expected at most 1, got 2\.0\.$"),
        (["--kind", "chexpert"], r"^--folder: nothing was given\.$"),
        (["--kind", "mnist"], r"^--kind: expected phantom, .*, got 'mnist'\.$"),
        (
            ["--kind", "chexpert", "--folder", "x", "--patients", 40],
            r"^--patients: there is no such setting of chexpert",
        ),
        (["--batch-size", 0], r"^--batch-size: expected at least 1, got 0\.$"),
        (["--data-seed", 10**20], r"^--data-seed: expected a number of fewer than 18 digits, got 100,000"),
        (["--seeds", 10**20], r"^--seeds: expected a number of fewer than 18 digits"),
        (["--seeds=-1"], r"^Seeds are whole numbers from 0, got -1\.$"),
        (["--also", "nope"], r"^--also: expected paper, .*, got 'nope'\.$"),
        (["--also", "bkd,bkd"], r"^--objective: an objective can be there once, got paper, bkd, bkd\.$"),
        (["--teacher-as-is"], "needs weights that know findings"),
        ([], "--name"),
    ],
)
def test_a_wrong_option_is_named_as_it_is_typed(words, message):
    name = ["--name", "x"] if words else []
    with pytest.raises(ConfigError, match=message):
        parse(*name, *words)


def test_what_a_file_says_wrong_is_named_by_its_key_and_the_file(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"name": "x", "data": {"n_patients": 3}, "student_train": {"weight_decay": 7}}))
    with pytest.raises(ConfigError) as caught:
        parse("--config", path)
    assert f"data.n_patients in {path}: expected at least 20, got 3." in str(caught.value)
    assert f"student_train.weight_decay in {path}: expected at most 1, got 7." in str(caught.value)
    with pytest.raises(ConfigError, match=r"^--patients: expected at least 20, got 4\. student_train"):
        parse("--config", path, "--patients", 4)


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="Cannot read"):
        parse("--config", "/no/such/file.json")


def test_switches_reach_their_keys():
    config = parse("--name", "x", "--teacher-weights", "chest-nih", "--teacher-as-is", "--download")
    assert (config.teacher_trained, config.download, config.control) == (False, True, True)


def test_a_teacher_as_it_is_must_know_findings():
    with pytest.raises(ConfigError, match="needs weights that know findings"):
        parse("--name", "x", "--teacher-weights", "imagenet", "--teacher-as-is")


def test_the_config_of_an_older_program_loads_unchanged(tmp_path):
    old = RunConfig(name="old").model_dump(mode="json")
    for key in ("teacher_weights", "teacher_trained", "student_weights", "download"):
        del old[key]
    path = tmp_path / "config.json"
    path.write_text(json.dumps(old))
    assert parse("--config", path) == RunConfig(name="old")


@pytest.mark.parametrize("text", ["0,,1", "a", "1;2", "1.5"])
def test_what_is_no_list_of_seeds_is_said(text, capsys):
    with pytest.raises(SystemExit):
        parse("--name", "x", "--seeds", text)
    assert f"expected whole numbers separated by commas, got {text!r}" in capsys.readouterr().err


class Sharp(ObjectiveConfig):
    """An objective with a setting of its own, another default and company."""

    sharpness: float = Field(3.0, title="Sharpness")
    view: Literal["cached", "same"] = Field("same", title="View that the teacher answers")
    also: tuple[ObjectiveConfig, ...] = Field((), title="Together with", json_schema_extra=hints(names="variants"))


@pytest.fixture
def sharp(monkeypatch):
    entry = Entry(name="sharp", title="Sharp", sentence="Sharper.", config=Sharp)
    known = dict(VARIANTS["objective"].entries())
    monkeypatch.setitem(VARIANTS, "objective", Variants("name", lambda: known | {"sharp": entry}))


def test_the_settings_of_a_new_variant_are_flags(sharp):
    text = help_text()
    assert re.search(r"--objective paper\|[a-z_|]*\|sharp ", text)
    assert "--sharpness X sharp: Sharpness (default 3.0)" in text
    parser = argparse.ArgumentParser()
    add_flags(parser)
    args = parser.parse_args(["--objective", "sharp", "--sharpness", "2", "--also", "bkd,paper"])
    assert (args.objective, args.sharpness, args.also) == ("sharp", 2.0, [{"name": "bkd"}, {"name": "paper"}])
    assert flag_name("objective.sharpness") == "--sharpness"


def test_a_new_variant_has_its_own_defaults_and_says_its_own_settings(sharp):
    own = {
        one.name: one.default
        for one in settings({"data": "phantom", "objective": "sharp"})
        if one.variants == ("sharp",)
    }
    assert (own["sharpness"], own["view"], own["alpha"]) == (3.0, "same", 0.5)
    assert "sharpness" not in [one.name for one in settings({"data": "phantom", "objective": "bkd"})]
