"""What somebody typed stands in a sentence at a length that leaves it one."""

import re
import unicodedata

import pytest

from cxrkd.cli.main import main
from cxrkd.errors import ConfigError, DataError
from cxrkd.text import SENTENCE, legible, sentence, shown

VALUES = [
    "9" * 4000,
    "x" * 1_000_000,
    "word " * 200_000,
    10**3999,
    -(10**5000),
    list(range(100_000)),
    {"key": 10**5000},
    "a\nb\tc\x00\x1b[31m",
    "\u202egnp.exe",
    "\ud800",
    float("inf"),
    b"\xff" * 5000,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value).__name__))
def test_a_value_is_shown_in_some_dozens_of_characters(value):
    text = shown(value)
    assert len(text) <= 80
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (None, "None"),
        (-1234567, "-1,234,567"),
        (0, "0"),
        (10**4000 - 1, "a number of 4,000 digits"),
        (10**4000, "a number of 4,001 digits"),
        ("it's", '"it\'s"'),
        ("a" * 60, f"'{'a' * 57}…'"),
    ],
)
def test_how_a_value_is_shown(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", [value for value in VALUES if isinstance(value, str)], ids=len)
def test_an_error_is_a_sentence_whatever_is_put_into_it(value):
    text = str(DataError(f"Expected a label, got {value}. Choose another."))
    assert len(text) <= SENTENCE
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert text.startswith("Expected a label, got")


def test_ordinary_sentences_stay_as_they_are():
    text = "Größe 97 % – „so“ … 日本 e\u0301 : /a/rather/long/path" + "/of/folders" * 20 + "/film.png, or C:\\x."
    assert str(ConfigError(text)) == text


def test_both_ends_of_a_long_path_are_shown():
    text = sentence(f"There is no /home/me{'/deep' * 200}/film.png here.")
    assert text.startswith("There is no /home/me/deep")
    assert text.endswith("/film.png here.")
    assert len(text) < 450


def test_breaks_become_spaces_and_marks_become_escapes():
    assert legible("one \n two\r\nthree\u2028four\u202e\x07") == "one two three four\\u202e\\x07"


LONG = "7" * 4400
TYPED = [
    ("distill", "--name", "x", "--epochs", LONG),
    ("distill", "--name", "x", "--epochs", LONG[:4200]),
    ("distill", "--name", "x", "--seeds", LONG),
    ("distill", "--name", "x", "--learning-rate", "word " * 1000),
    ("distill", "--name", "x", "--kind", "\u202e" * 1000),
    ("models", "resnet18", "--size", LONG[:4200]),
    ("models", "y" * 100_000),
    ("models", "resnet18", "--download", "w" * 5000),
    ("z" * 5000,),
    ("runs", "show", "r " * 5000),
    ("models", "--role", "b " * 5000),
    ("models", "a", "--" + "q" * 5000),
    ("classify", "/tmp/" + "n" * 5000 + ".png"),
    ("evaluate", "no\nrun\x1b[2J"),
]


@pytest.mark.parametrize("argv", TYPED, ids=lambda argv: f"{argv[0][:8]} {len(argv[-1])}")
def test_the_command_line_repeats_no_more_than_a_sentence_holds(argv, capsys):
    try:
        code = main(argv)
    except SystemExit as stopped:
        code = stopped.code
    last = capsys.readouterr().err.rstrip("\n").rsplit("\ncxrkd: ")[-1].rsplit("error: ")[-1]
    assert code in (1, 2)
    assert len(last) < 1000, last
    assert not re.search(r"[\x00-\x1f\u202e]|(\S)\1{79}", last), last


def test_a_number_of_more_digits_than_python_reads_in_a_config_file(tmp_path, capsys):
    path = tmp_path / "run.json"
    path.write_text('{"name": "x", "student_train": {"epochs": ' + "9" * 5000 + "}}")
    assert main(["distill", "--config", str(path)]) == 2
    assert len(capsys.readouterr().err) < 500
