"""A home of its own for each test, a toy network that worker processes know too, and data that can be learned."""

import time

import numpy as np
import pytest

from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.data.pixels import InMemory
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.labels import CHESTXRAY14
from cxrkd.models import zoo

SIZE = 32

# Executed here, and in every worker process through sitecustomize: "toy" is quick, "slow_toy" can be killed half-way,
# and is quick too as soon as its home holds a file called "hurry".
TOY = """
import os, time
from pathlib import Path
from torch import nn
from cxrkd.models import zoo
from cxrkd.models.classifier import Backbone


class Toy(Backbone):
    def __init__(self, n_labels, pause_s):
        super().__init__()
        self.pause_s = pause_s
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(128, n_labels))

    def forward_features(self, x):
        if self.pause_s and not (Path(os.environ["CXRKD_HOME"]) / "hurry").exists():
            time.sleep(self.pause_s)
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


zoo.register("toy", zoo.Entry("student", lambda n, size, pretrained: Toy(n, 0.0), min_size=16))
zoo.register("slow_toy", zoo.Entry("student", lambda n, size, pretrained: Toy(n, 0.03), min_size=16))
"""

# Registers the toys as soon as a process imports the zoo, so that those which never do stay quick.
SITE = f"""
import importlib.util, sys


class WhenZooIsImported:
    def find_spec(self, name, path, target=None):
        if name != "cxrkd.models.zoo":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), exec({TOY!r}, {{}}))
        return spec


sys.meta_path.insert(0, WhenZooIsImported())
"""


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Twenty patients, rendered once for all tests."""
    home = tmp_path_factory.mktemp("phantoms")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRKD_HOME", str(home))
        load_cohort(PhantomConfig(n_patients=20, image_size=SIZE)).prepare()
    return home / "cache" / "phantom"


@pytest.fixture(scope="session")
def furnish(phantoms):
    """Makes an empty home that knows the rendered phantoms and the toy networks, for as long as the patch lasts."""

    def make(patch, folder):
        home, site = folder / "home", folder / "site"
        for made in (home / "cache", site):
            made.mkdir(parents=True)
        (home / "cache" / "phantom").symlink_to(phantoms)
        (site / "sitecustomize.py").write_text(SITE)
        patch.setenv("CXRKD_HOME", str(home))
        patch.setenv("PYTHONPATH", str(site))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(zoo, "_ENTRIES", dict(zoo._ENTRIES))
        exec(TOY, {})
        return home

    return make


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, furnish):
    """The home of one test."""
    return furnish(monkeypatch, tmp_path)


@pytest.fixture(scope="session")
def config():
    """The smallest run: one epoch each, one seed."""

    def make(name="Tiny run", **changes):
        train = TrainConfig(epochs=1, warm_epochs=0, batch_size=16, learning_rate=0.02)
        base = {
            "name": name,
            "data": PhantomConfig(n_patients=20, image_size=SIZE),
            "teacher_arch": "toy",
            "student_arch": "toy",
            "teacher_train": train,
            "student_train": train,
        }
        return RunConfig(**(base | changes))

    return make


@pytest.fixture(scope="session")
def blobs():
    """120 patients, 240 images, 14 labels; the first four are where a bright blob is, the others are coins."""
    rng = np.random.default_rng(0)
    n = 240
    targets = (rng.random((n, 14)) < 0.4).astype(np.float32)
    images = rng.normal(80, 25, (n, SIZE, SIZE))
    for k, (y, x) in enumerate([(2, 2), (2, 18), (18, 2), (18, 18)]):
        images[:, y : y + 12, x : x + 12] += 45 * targets[:, k, None, None]
    targets[::7, 5] = np.nan
    return Cohort(
        name="blobs",
        labels=CHESTXRAY14,
        targets=targets,
        patients=np.repeat([f"{i:03d}" for i in range(n // 2)], 2),
        ids=np.array([f"{i:05d}" for i in range(n)]),
        split=np.repeat(np.array(["train"] * 4 + ["val"] * 2 + ["test"] * 4), n // 10),
        views=np.array(["PA", "AP"] * (n // 2)),
        pixels=InMemory(images.clip(0, 255).astype(np.uint8), "blobs"),
        synthetic=True,
    )


@pytest.fixture
def blob_data(monkeypatch, blobs):
    """Runs executed in this process train on the blobs."""
    monkeypatch.setattr("cxrkd.runs.stages.load_cohort", lambda config, progress: blobs)


@pytest.fixture
def wait_for():
    """Wait until something is true, or fail saying what was there instead."""

    def wait(run, condition, timeout_s=180.0):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if condition(run):
                return
            time.sleep(0.05)
        log = run.path / "log.txt"
        pytest.fail(f"{run.state}\n{log.read_text() if log.exists() else 'no log'}")

    return wait
