"""Known vulnerabilities of everything installed here, as far as their data can be reached.

Never a reason to fail: an advisory that appears overnight must not stop a change that has nothing to do with it, and
neither must a network that is not there. What is found is printed so that nobody overlooks it, and what could not be
asked is said, not passed over.
"""

import json
import subprocess
import sys

LIMIT_S = 60
COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
NOT_REACHED = "pip-audit: the data of known vulnerabilities could not be reached: not audited"


def lines(document: dict) -> list[str]:
    """What pip-audit found, in words: a package it knows nothing of was skipped, and not found to be safe."""
    asked = [package for package in document["dependencies"] if "skip_reason" not in package]
    if not asked:
        return [f"{NOT_REACHED}."]
    found = [(package, flaw) for package in asked for flaw in package["vulns"]]
    said = f"pip-audit: {len(asked)} of {len(document['dependencies'])} packages audited, "
    said += f"known vulnerabilities: {len(found)}." if found else "no known vulnerability."
    return [said, *(_line(package, flaw) for package, flaw in found)]


def _line(package: dict, flaw: dict) -> str:
    mended = ", ".join(flaw["fix_versions"]) or "no release yet"
    return f"WARNING: VULNERABLE: {package['name']} {package['version']}: {flaw['id']}; mended in {mended}"


def audit(command: list[str] = COMMAND, limit_s: float = LIMIT_S) -> list[str]:
    """Ask, for at most `limit_s` seconds; whatever goes wrong is a line too."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"{NOT_REACHED} (no answer in {limit_s:.0f} s)."]
    except OSError as error:
        return [f"{NOT_REACHED} ({error})."]
    try:
        return lines(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):  # no document: its last words say why
        return [f"{NOT_REACHED} ({(done.stderr.strip().splitlines() or ['no word of why'])[-1][:200]})."]


if __name__ == "__main__":
    print("\n".join(audit()))
