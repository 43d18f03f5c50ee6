"""Files that somebody wrote to ask for something: what they may hold, and a sentence for what they may not."""

import json

import pytest

from cxrkd.errors import ConfigError
from cxrkd.jobs.written import MOST_BYTES, MOST_VALUES, parse_written, read_written, without_version

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 10))


def test_yaml_and_json_come_to_plain_values():
    values = {"name": "é", "rates": [0.001, 1, True, None], "base": {"a": "b"}}
    for text in (
        json.dumps(values),
        json.dumps(values, indent="\t"),
        "name: é\nrates: [0.001, 1, true, null]\nbase: {a: b}",
    ):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            if encoding != "utf-16" or "\t" not in text:  # JSON is UTF-8, and YAML knows no tabs
                assert parse_written(text.encode(encoding), "file", "a study") == values
    assert parse_written(b"", "file", "a study") is None


def test_anchors_and_merges_are_written_out():
    text = b"teacher: &t {epochs: 1, rate: 2}\nstudent: {<<: *t, epochs: 3}\nagain: *t"
    assert parse_written(text, "file", "a study") == {
        "teacher": {"epochs": 1, "rate": 2},
        "student": {"epochs": 3, "rate": 2},
        "again": {"epochs": 1, "rate": 2},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seeds: [0]\nname: x\nseeds: [1]", "line 3: 'seeds' stands there twice"),
        ("base: {data: {n: 1, n: 2}}", "line 1: 'n' stands there twice"),
        ('{"seeds": [0],\n "seeds": [1]}', "line 2: 'seeds' stands there twice"),
        (LAUGHS, f"holds more than {MOST_VALUES:,} values"),
        (MERGED, f"holds more than {MOST_VALUES:,} values"),
        ("a: &a [*a]", "what begins in line 1 holds itself"),
        ("a: &a {b: *a}", "what begins in line 1 holds itself"),
        ("a: *b", "undefined alias"),
        ("name: x\n\tteachers: []", "cannot start any token"),
        ("name: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("name: x\n---\nname: y", "expected a single document"),
        ("seeds: [2020-99-99]", "month must be in 1..12"),
        ("day: 2020-01-01", "not JSON serializable"),
        ("rate: .nan", "not JSON compliant"),
        ("a: " + "[" * 1000, "recursion"),
        ("a: " + "9" * 5000, "integer string conversion"),
        ("a: \ud800", "is neither YAML nor JSON"),
    ],
)
def test_what_is_neither_is_a_sentence(text, sentence):
    with pytest.raises(ConfigError) as refused:
        parse_written(text.encode(errors="surrogatepass"), "file", "a study")
    assert str(refused.value).startswith("file is neither YAML nor JSON")
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 400


def test_what_cannot_be_read_is_a_sentence(tmp_path):
    for path, sentence in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=f"Cannot read .*{sentence}.*; expected a search as YAML or JSON"):
            read_written(path, "a search")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"x" * (MOST_BYTES + 1))
    with pytest.raises(ConfigError, match=r"large\.yaml is larger than 1 MB; expected a search"):
        read_written(large, "a search")


def test_what_a_newer_version_wrote_is_refused():
    assert without_version({"version": 1, "name": "x"}, 1, "file") == without_version({"name": "x"}, 1, "file")
    for version in (2, "1", None):
        with pytest.raises(ConfigError, match=r"file is of version .*, this cxrkd reads up to 1"):
            without_version({"version": version}, 1, "file")
