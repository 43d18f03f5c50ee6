"""What `pip install .` gives: everything that the program needs, nothing else, at work in another folder."""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrkd.data.phantom import render
from tests.installed import ROOT, build_wheel
from tests.serving import free_port, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CARRIED = ("app.py", "pages", "assets", ".streamlit/config.toml")


@pytest.fixture(scope="module")
def film(installed):
    path = installed.elsewhere / "film.png"
    Image.fromarray(render(31, 0, 0, 256).pixels).save(path)
    return path


def ended(run):
    """The state of a run that a worker makes, once it is no longer queued or running."""
    for _ in range(600):
        state = json.loads((run / "state.json").read_text())
        if state["status"] not in ("queued", "running"):
            return state
        time.sleep(0.5)
    return state


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def files_below(path):
    return [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_the_wheel_holds_the_package_and_the_dashboard_and_nothing_else(installed):
    expected = {path.relative_to(ROOT).as_posix() for path in files_below(ROOT / "cxrkd")}
    expected |= {f"cxrkd/_site/{p.relative_to(ROOT).as_posix()}" for name in CARRIED for p in files_below(ROOT / name)}
    held = {name for name in contents(installed.wheel) if ".dist-info/" not in name}
    assert held == expected
    assert "cxrkd/py.typed" in held
    # More than package indices take unasked (100 MB): DenseNet161, the paper's teacher, is 53 of it.
    assert installed.wheel.stat().st_size < 135e6


def test_an_sdist_builds_the_same_wheel(installed, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    assert contents(build_wheel(sdist, tmp_path / "wheel")) == contents(installed.wheel)


def test_the_environment_holds_neither_the_checkout_nor_the_tools_of_the_tests(installed):
    code = "import sys, json, cxrkd; from importlib.util import find_spec as f\n"
    code += "print(json.dumps([cxrkd.__file__, sys.path, [n for n in ('pytest', 'torchxrayvision') if f(n)]]))"
    where, path, tools = json.loads(installed.run("python", "-c", code).stdout)
    assert Path(where).is_relative_to(installed.bin.parent)
    assert str(ROOT) not in path
    assert tools == []


def test_every_module_can_be_imported(installed):
    code = "import pkgutil, importlib, cxrkd\n"
    code += "for found in pkgutil.walk_packages(cxrkd.__path__, 'cxrkd.'):\n"
    code += "    if not found.name.endswith('__main__'): importlib.import_module(found.name)"
    done = installed.run("python", "-c", code)
    assert done.returncode == 0, done.stderr


def test_classify_answers(installed, film):
    done = installed.run("cxrkd", "classify", film.name, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (answer,) = found["answers"]
    assert set(answer["members"]) == {"teacher", "alone", "distilled"}
    for said in answer["members"].values():
        assert list(said["probs"]) == found["labels"]
        assert all(0 < prob < 1 for prob in said["probs"].values())


def test_explain_writes_pictures(installed, film):
    words = "--run nih --label Effusion --out pictures"
    done = installed.run("cxrkd", "explain", film.name, *words.split())
    assert done.returncode == 0, done.stderr
    pictures = list((installed.elsewhere / "pictures").rglob("*.png"))
    assert len(pictures) >= 3
    assert all(np.asarray(Image.open(path)).std() > 0 for path in pictures)


def test_the_worker_makes_a_run(installed):
    asked = "--patients 24 --image-size 32 --batch-size 16 --seeds 0 --no-control"
    for who, network in (("", "--student"), ("teacher-", "--teacher")):
        asked += f" {network} mobilenetv3_small_100 --{who}epochs 1 --{who}warm-epochs 0"
    done = installed.run("cxrkd", "distill", "--name", "mine", "--queue", *asked.split())
    assert done.returncode == 0, done.stderr
    run = installed.elsewhere / "home" / "runs" / "mine"
    assert ended(run)["status"] == "done", (run / "log.txt").read_text()
    assert json.loads((run / "environment.json").read_text())["commit"] is None, "a wheel is no checkout"


def test_the_dashboard_is_served(installed, tmp_path):
    port = free_port()
    command = [installed.bin / "cxrkd", "app", "--port", str(port), "--", "--server.headless", "true"]
    with serving(command, port, tmp_path, cwd=installed.elsewhere, env=installed.env):
        second = installed.run("cxrkd", "app", "--port", port)
    assert second.returncode == 2
    assert f"cannot listen on port {port}" in second.stderr
