import argparse
import json
from pathlib import Path

import pytest

from cxrkd.cli.settings import FLAGS, SWITCHES, add_flags, run_config
from cxrkd.config import RunConfig
from cxrkd.errors import ConfigError


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


def test_help_says_which_flags_need_the_same_view():
    about = {flag.name: flag.help for flag in FLAGS} | {name: text for name, (_, _, text) in SWITCHES.items()}
    assert [name for name, text in about.items() if "needs --view same" in text] == ["--mixup", "--augment"]


EXAMPLES = {str: "4-true", int: 40, float: 0.25}


@pytest.mark.parametrize("flag", FLAGS, ids=lambda f: f.name)
def test_every_flag_reaches_every_key_it_names(flag):
    special = {
        "--precision": "bf16-mixed",
        "--objective": "bkd",
        "--seeds": "3,1",
        "--teacher": "resnet50",
        "--student": "resnet18",
        "--teacher-weights": "chest-nih",
        "--student-weights": "imagenet",
        "--view": "same",
        "--kind": "chestmnist",
        "--folder": "/films",
        "--published-size": 64,
    }
    value = special.get(flag.name, EXAMPLES.get(flag.kind))
    words = [flag.name, value] if flag.name == "--name" else ["--name", "x", flag.name, value]
    chestmnist = ["--kind", "chestmnist"]
    needed = {"--mixup": ["--view", "same"], "--folder": chestmnist, "--published-size": chestmnist}
    config = parse(*words, *needed.get(flag.name, []))
    expected = {"--seeds": (3, 1), "--folder": Path("/films")}.get(flag.name, value)
    assert [leaf(config, key) for key in flag.keys] == [expected] * len(flag.keys)


@pytest.mark.parametrize("name", list(SWITCHES))
def test_every_switch_reaches_every_key_it_names(name):
    keys, value, _ = SWITCHES[name]
    needed = {"--teacher-as-is": ["--teacher-weights", "chest-nih"], "--augment": ["--view", "same"]}
    config = parse("--name", "x", name, *needed.get(name, []))
    assert [leaf(config, key) for key in keys] == [value] * len(keys)
    assert [leaf(parse("--name", "x"), key) for key in keys] == [not value] * len(keys)


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
