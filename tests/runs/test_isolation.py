"""No child of ours takes a module from its working directory, whatever a run is called."""

import json
import os
import subprocess
import sys

import pytest

from cxrkd import places
from cxrkd.jobs import launch
from cxrkd.jobs.job import own_jobs
from cxrkd.places import isolated_environment, isolated_python

NAMES = ["numexpr", "torch", "json", "sitecustomize", "usercustomize", "cxrkd", "random"]
LOOK = """
import importlib.util, json, subprocess, sys
found = dict((name, getattr(importlib.util.find_spec(name), "origin", None)) for name in {names})
print(json.dumps(found), flush=True)
{again}
"""


@pytest.fixture
def trap(tmp_path):
    """A folder of runs with names of modules, and with modules that end the process that imports them."""
    folder = tmp_path / "trap"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text("{}")
        (folder / f"{name}.py").write_text("import os; os._exit(13)")
    return folder


def origins(command, folder, environment):
    """Where a child, and a Python that it starts as it likes, find the modules."""
    look = LOOK.format(names=NAMES, again="")
    look = LOOK.format(names=NAMES, again=f"subprocess.run([sys.executable, '-c', {look!r}], check=True)")
    child = [*command, "-c", look]
    done = subprocess.run(child, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_neither_a_child_nor_its_children_find_modules_in_the_folder_of_runs(trap, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "relative", str(trap.parent / "site")]))
    found = origins(isolated_python(), trap, isolated_environment())
    assert len(found) == 2
    for origin in found:
        assert not [path for path in origin.values() if path and str(trap) in path]
        assert origin["cxrkd"] == str(places.PACKAGE / "__init__.py")


def test_what_the_operator_names_absolutely_is_kept_and_nothing_else(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/operators/own", "", ".", "runs", "~/x"]))
    monkeypatch.setattr(places, "CHECKOUT", "/the/checkout")
    assert isolated_environment()["PYTHONPATH"].split(os.pathsep) == ["/the/checkout", "/operators/own"]
    monkeypatch.setattr(places, "CHECKOUT", None)  # installed: site-packages must not come before the standard library
    monkeypatch.delenv("PYTHONPATH")
    assert isolated_environment()["PYTHONPATH"] == ""


def test_the_worker_works_beside_runs_that_are_called_like_modules(home, trap, monkeypatch):
    trap.rename(own_jobs())
    monkeypatch.chdir(own_jobs())
    launch.ensure_worker()
    (keeper,) = launch._started
    assert keeper.wait(120) == 0
    launch._started.clear()
    assert launch.last_launch(own_jobs()).code == 0, (own_jobs() / launch.WORKER_LOG).read_text()
    assert launch.last_launch(own_jobs()).up


def test_the_command_line_takes_no_module_from_where_it_is_called(trap):
    """`python -m` itself puts the working directory first; the package leaves it again at once."""
    (trap / "cxrkd.py").unlink()  # that would be the package itself; a run is a folder
    environment = os.environ | {"PYTHONPATH": str(places.PACKAGE.parent), "PYTHONSAFEPATH": ""}
    command = [sys.executable, "-m", "cxrkd", "--version"]
    done = subprocess.run(command, cwd=trap, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:5]) == (0, "cxrkd"), done.stderr
