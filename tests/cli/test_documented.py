"""Every command that the documents name parses, and what they link to or name is here."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from cxrkd.cli.main import parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "assets").rglob("*.md")])
UNFINISHED = re.compile(r"arguments are required|expected one argument|invalid choice: '\w+\|")
"""Documents speak of a verb or an option without what belongs to it, and write `one|other`."""
GRAMMAR = parser()
ELSEWHERE = {"cxrkd/_site"}
"""Of a wheel."""


def label(path):
    return path.relative_to(ROOT).as_posix()


def verbs(of):
    """The verbs of a parser -> their parsers."""
    return next((dict(one.choices) for one in of._actions if isinstance(one, argparse._SubParsersAction)), {})


def words_that_begin():
    """A regular expression of what a command begins with: its verb, and its action where it has some."""
    return "|".join(
        rf"{verb} (?:{'|'.join(actions)})" if (actions := verbs(one)) else verb for verb, one in verbs(GRAMMAR).items()
    )


def commands(text):
    """Words of each command in a span or a block of code; `...` stands for what a reader adds, $NAME for a number."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S) + re.findall(r"^    .*", text, re.M)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    begins = words_that_begin()
    named = re.findall(rf"cxrkd ((?:{begins})(?![\w.]).*)", "\n".join([*blocks, *spans]))
    named += [span for span in spans if re.match(rf"(?:{begins}) +(?:-|[A-Z])", span)]
    cut = {re.split(r"\s+#|'? *&|'$", command)[0] for command in named}
    return sorted(
        tuple(re.sub(r"^\$\w+", "2", word) for word in shlex.split(command) if word != "...") for command in cut
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=label)
def test_its_commands_parse(document, capsys):
    wrong = []
    for words in commands(document.read_text(encoding="utf-8")):
        try:
            GRAMMAR.parse_args(words)
        except SystemExit as stop:
            answer = capsys.readouterr().err
            if stop.code and not UNFINISHED.search(answer):
                wrong.append(answer.strip().splitlines()[-1])
    assert wrong == []


def test_commands_are_seen_in_spans_and_blocks():
    text = "`cxrkd record`, cxrkd is `runs log A`\n```bash\npython -m cxrkd serve   # a b\n```\n    cxrkd app --share\n"
    assert commands(text) == [("app", "--share"), ("record",), ("runs", "log", "A"), ("serve",)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=label)
def test_what_it_links_to_is_here(document):
    text = document.read_text(encoding="utf-8")
    linked = {document.parent / link for link in re.findall(r"\]\(([^)#\s]+)", text) if not link.startswith("http")}
    named = set(re.findall(r"`((?:cxrkd|tests|assets|docs|pages)/[\w./-]+)`", text)) - ELSEWHERE
    linked |= {ROOT / name for name in named}
    modules = [ROOT / name.replace(".", "/") for name in re.findall(r"python -m (tests[\w.]*\w)", text)]
    linked |= {module if module.is_dir() else module.with_suffix(".py") for module in modules}
    assert [str(path) for path in linked if not path.exists()] == []
