"""What `.ci/audit.py` says of each answer, and of none; pip-audit itself is not asked here."""

import json
import runpy
import sys
from pathlib import Path

import pytest

AUDIT = runpy.run_path(str(Path(__file__).resolve().parents[1] / ".ci" / "audit.py"))
SAFE = {"name": "safe", "version": "1.0", "vulns": []}
FLAWED = {"name": "flawed", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def answering(text, code=0):
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ([SAFE, UNKNOWN], ["pip-audit: 1 of 2 packages audited, no known vulnerability."]),
        ([UNKNOWN, UNKNOWN], [f"{AUDIT['NOT_REACHED']}."]),
        ([], [f"{AUDIT['NOT_REACHED']}."]),
        (
            [SAFE, FLAWED],
            [
                "pip-audit: 2 of 2 packages audited, known vulnerabilities: 1.",
                "WARNING: VULNERABLE: flawed 2.0: CVE-1; mended in 2.1",
            ],
        ),
    ],
    ids=["some unknown", "all unknown", "nothing installed", "flawed"],
)
def test_what_was_asked_is_told_from_what_was_not(packages, said):
    assert AUDIT["audit"](answering(json.dumps({"dependencies": packages}), code=1)) == said


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"dependencies": [{}]}', '{"dependencies": null}'])
def test_an_odd_answer_is_one_line(text):
    (line,) = AUDIT["audit"](answering(text))
    assert line.startswith(AUDIT["NOT_REACHED"])


def test_no_answer_in_time_and_no_pip_audit_are_one_line():
    (line,) = AUDIT["audit"]([sys.executable, "-c", "import time; time.sleep(600)"], 1)
    assert line == f"{AUDIT['NOT_REACHED']} (no answer in 1 s)."
    (line,) = AUDIT["audit"](["/no/such/command"])
    assert line.startswith(AUDIT["NOT_REACHED"])
