import io
import json
import math
import sys

import pytest

from cxrkd.cli.output import Report, Ticker, show, table
from cxrkd.plain import plain
from cxrkd.text import duration, interval, number


def test_plain_leaves_nothing_that_json_refuses():
    value = {"a": math.nan, 1: (math.inf, 2.5), "b": [{"c": -math.inf}], "d": None, "e": True}
    found = plain(value)
    assert found == {"a": None, "1": [None, 2.5], "b": [{"c": None}], "d": None, "e": True}
    json.dumps(found, allow_nan=False)


def test_table_columns_line_up():
    lines = table(["label", "x", "long head"], [["A", "1.5", "2"], ["Longer", "-10.25", ""]])
    assert lines == ["label        x  long head", "A          1.5          2", "Longer  -10.25"]


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.500"), (None, "–"), (math.nan, "–")])
def test_number(value, text):
    assert number(value) == text


def test_interval_says_when_there_is_none():
    assert interval(0.1, 0.0, 0.2, sign=True) == "+0.100 (+0.000 to +0.200)"
    assert interval(math.nan, math.nan, math.nan) == "not enough cases"


def test_duration_keeps_two_units():
    assert [duration(s) for s in (None, 0.4, 59, 60, 3599, 7300)] == [
        "–",
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "2 h 1 min",
    ]


def test_failures_go_to_stderr_and_the_report_to_stdout(capsys):
    report = Report({"x": math.nan}, ["for people"], ["a.txt is no film"])
    show(report, as_json=False)
    assert capsys.readouterr() == ("for people\n", "cxrkd: a.txt is no film\n")
    show(report, as_json=True)
    found = capsys.readouterr()
    assert json.loads(found.out) == {"x": None}
    assert found.err == "cxrkd: a.txt is no film\n"


def test_names_of_files_neither_steer_a_terminal_nor_break_it(capsys):
    """A stdout that takes UTF-8 only raises on bytes of a name that are none."""
    show(Report({}, ["\udcff.png \x1b[31m\u202e", "  a: b\nc"]), as_json=False)
    assert capsys.readouterr().out == "\\udcff.png \\x1b[31m\\u202e\n  a: b\nc\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_ticker_is_silent_unless_someone_watches(monkeypatch):
    for stream, expected in ((io.StringIO(), "kept\n"), (Terminal(), "\r\x1b[Khalf\r\x1b[Kkept\n\r\x1b[K")):
        monkeypatch.setattr(sys, "stderr", stream)
        ticker = Ticker()
        ticker.tell("half")
        ticker.line("kept")
        ticker.clear()
        assert stream.getvalue() == expected
