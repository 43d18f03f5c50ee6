"""The wheel in an environment that holds what it declares and nothing else, so that what is forgotten is missed.

A second installation of PyTorch would take minutes and gigabytes. Instead the distributions that the wheel asks for,
and those that they ask for, are linked one by one from the environment of the tests.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Installed:
    """An environment with cxrkd in it, far away from the checkout.

    Attributes:
        wheel: the file that was installed.
        bin: folder of its commands.
        elsewhere: an empty folder, in which commands run.
    """

    wheel: Path
    bin: Path
    elsewhere: Path

    @property
    def env(self):
        """The variables that commands run with: a home of their own, no way back to the checkout."""
        return {**plain_environment(), "HOME": str(self.elsewhere), "CXRKD_HOME": str(self.elsewhere / "home")}

    def run(self, command, *words):
        """Run one of its commands."""
        command = [self.bin / command, *map(str, words)]
        return subprocess.run(command, cwd=self.elsewhere, env=self.env, capture_output=True, text=True, check=False)


def plain_environment():
    """Our variables without those that show an interpreter other packages than its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def pip(*words):
    """Run pip, offline: a backend that builds is among the requirements of the tests."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(source, folder):
    """Build the wheel of a checkout or of an sdist into an empty folder."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The wheel of this checkout, installed."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(ROOT, folder / "wheel")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (ours,) = distributions(path=[str(site)])
    for needed in closure(ours):
        link(needed, site)
    pip("--python", python, "check")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, python.parent, elsewhere)


def closure(ours):
    """Every distribution that installing `ours` brings along, as installed beside the tests."""
    seen, found, waiting = set(), {}, [(ours, frozenset())]
    while waiting:
        dist, extras = waiting.pop()
        for need in map(Requirement, dist.requires or ()):
            wanted = any(need.marker is None or need.marker.evaluate({"extra": extra}) for extra in ("", *extras))
            key = (need.name.lower(), frozenset(need.extras))
            if wanted and key not in seen:
                seen.add(key)
                found[need.name.lower()] = distribution(need.name)
                waiting.append((found[need.name.lower()], key[1]))
    return list(found.values())


def link(dist: Distribution, site: Path):
    """Show a distribution's packages, modules and metadata in another site-packages; some share a folder."""
    for name in {file.parts[0] for file in dist.files} - {"..", "__pycache__"}:
        if not (site / name).exists():
            (site / name).symlink_to(Path(dist.locate_file(name)).resolve())
