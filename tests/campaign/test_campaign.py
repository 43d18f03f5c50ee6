"""The campaign of docs/reliability.md in small, part by part, and what it writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign import report, visitors
from tests.campaign.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("kills", "disk", "read_only", "servers", "uploads", "watched", "service", "exports")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_part_holds_in_small():
    """In one process of its own: it forks, which one that has threads may not, and imports once."""
    asked = [word for part in PARTS for word in ("--only", part)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    how = {"cwd": ROOT, "env": env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False}
    done = subprocess.run([sys.executable, "-m", "tests.campaign", *asked], **how)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.count("no fault") + done.stdout.count("not done") == len(PARTS)


@pytest.fixture
def docs(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FIGURES", tmp_path / "reliability.json")
    monkeypatch.setattr(report, "TEXT", tmp_path / "reliability.md")
    return tmp_path


def test_a_part_that_is_run_again_leaves_the_others_as_they_were(docs):
    report.keep("visitors", visitors, Outcome({"answers": 1200, "p50 s": 1.25}), 300.2, "python -m tests.campaign")
    before = json.loads((docs / "reliability.json").read_text())["visitors"]
    report.keep("kills", visitors, Outcome({"kills": 50}, ["one was lost"]), 9.0, "python -m tests.campaign --full")
    report.keep("visitors", visitors, Outcome(skipped="no network"), 0.0, "python -m tests.campaign")
    kept = json.loads((docs / "reliability.json").read_text())
    assert kept["visitors"] == before, "what could not be done keeps its figures"
    text = (docs / "reliability.md").read_text()
    for said in ("| answers | 1,200 |", "| p50 s | 1.25 |", "- one was lost", "`python -m tests.campaign --full` at "):
        assert said in text


def test_the_page_is_what_its_figures_say():
    """docs/reliability.md is written by the campaign, never by hand."""
    if not report.FIGURES.exists():
        pytest.skip("no campaign has been run yet")
    assert report.TEXT.read_text() == report.text(json.loads(report.FIGURES.read_text()))


def test_figures_of_visitors_stand_under_their_page():
    told = {"visitors": 16, "classify": {"p50_s": 1.0}, "wrong": ["v01-0001.png"], "failed": []}
    found = visitors.outcome(told)
    assert found.figures == {"visitors": 16, "classify p50 s": 1.0}
    assert found.faults == ["wrong: v01-0001.png"]
