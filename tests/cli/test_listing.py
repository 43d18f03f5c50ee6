"""`list` prints the registries, the README holds what it prints, and nothing heavy is loaded for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from cxrkd.cli.listing import REGISTRIES, registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("what", list(REGISTRIES))
def test_the_readme_holds_the_table_that_the_verb_prints(cli, what):
    printed = cli("list", what, "--markdown").out
    marker = f"<!-- python -m cxrkd list {what} --markdown -->\n"
    held = (ROOT / "README.md").read_text().partition(marker)[2].partition("\n\n")[0]
    assert held + "\n" == printed, f"put what `python -m cxrkd list {what} --markdown` prints under {marker.strip()}"


def test_everything_is_listed_with_what_people_need_to_know(cli):
    document = cli("list", "--json").document
    assert list(document) == list(REGISTRIES)
    for what, entries in document.items():
        assert [entry["name"] for entry in entries] == list(registry(what))
        for entry in entries:
            assert entry["title"]
            assert entry["sentence"].endswith(".")
            assert entry["source"]
            assert entry["name"] in cli("list", what).out


def test_what_cannot_be_listed_is_one_sentence(cli):
    answer = cli("list", "films")
    assert (answer.code, answer.out) == (2, "")
    assert "among networks, objectives, readers, engines, explainers, jobs, targets, got 'films'" in answer.err


def test_lists_and_help_load_nothing_heavy():
    asked = [["list"], *([verb, "--help"] for verb in ("distill", "reproduce", "classify", "explain"))]
    code = (
        "import sys\n"
        "from contextlib import suppress\n"
        "from cxrkd.cli import main\n"
        f"for words in {asked!r}:\n"
        "    with suppress(SystemExit): main(words)\n"
        "heavy = {'torch', 'timm', 'onnxruntime', 'openvino', 'lightning', 'streamlit', 'plotly', 'sklearn'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""
