"""What all tests share: networks that learn in seconds, data that can be learned, and runs made in a moment.

Registries and table classes are asked here and nowhere else. Nothing of `cxrkd` above the networks is imported on top:
worker processes read this file while they import the networks, by way of `everywhere`.
"""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cxrkd.models.classifier import Backbone, Classifier, Stage

SIZE = 32
LABELS = ("Left", "Right", "Bright")
SKILL = {"teacher": 2.6, "alone": 1.9, "distilled": 2.1}
"""How much of the truth is in the logits of each network of `finished_run`; the noise on it has a deviation of 1.2."""


class Toy(Backbone):
    """Convolutions that keep position, batch norm, dropout: everything that resume has to restore.

    Args:
        n_labels: K.
        dropout: before the last layer.
        activation: after the norm.
        pause_s: how long it thinks, for a run that can be killed half-way; not once its home holds a file "hurry".
    """

    def __init__(self, n_labels, dropout=0.1, activation=nn.ReLU, pause_s=0.0):
        super().__init__()
        self.pause_s = pause_s
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2), nn.BatchNorm2d(8), activation(), nn.AdaptiveAvgPool2d(4))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(8 * 16, n_labels))

    def forward_features(self, x):
        if self.pause_s and not (Path(os.environ["CXRKD_HOME"]) / "hurry").exists():
            time.sleep(self.pause_s)
        return self.trunk(x)

    def forward_head(self, features):
        return self.head(features)


class PlainToy(Toy):
    """Without norms and dropout, so that an answer depends on one film alone."""

    def __init__(self, n_labels):
        super().__init__(n_labels, dropout=0.0)
        self.trunk[1] = nn.Identity()


class StagedToy(Backbone):
    """As `Toy`, in stages of halving grids, and smooth, so that its maps can be learned from.

    Args:
        n_labels: K.
        widths: channels of each stage; the first has a cell for four pixels.
    """

    def __init__(self, n_labels, widths=(6, 8)):
        super().__init__()
        self.stages = tuple(Stage(f"blocks.{i}", width, 4 * 2**i) for i, width in enumerate(widths))
        strides = (4, *[2] * (len(widths) - 1))
        self.blocks = nn.Sequential(*map(self._block, (3, *widths), widths, strides))
        cells = self.stages[-1].grid(SIZE) ** 2
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(widths[-1] * cells, n_labels))

    def _block(self, before, after, stride):
        return nn.Sequential(nn.Conv2d(before, after, 5, stride, 2), nn.BatchNorm2d(after), nn.Softplus())

    def forward_features(self, x):
        return self.blocks(x)

    def forward_head(self, features):
        return self.head(features)

    def forward_stages(self, x):
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps, x


def make_staged(seed=0, widths=(6, 8)):
    """A toy with stages, of fixed weights, in training mode."""
    torch.manual_seed(seed)
    return Classifier("staged", LABELS, SIZE, StagedToy(len(LABELS), widths))


def make_toy(seed=0, labels=LABELS):
    """A toy network of fixed weights, in training mode."""
    torch.manual_seed(seed)
    return Classifier("toy", labels, SIZE, Toy(len(labels), dropout=0.2))


def register():
    """Let networks "toy", "slow_toy", "plain_toy" and "staged_toy" be built."""
    from cxrkd.models.network import NETWORKS, Network

    for name, make in {
        "toy": lambda n, size, state: Toy(n),
        "slow_toy": lambda n, size, state: Toy(n, pause_s=0.03),
        "plain_toy": lambda n, size, state: PlainToy(n),
        "staged_toy": lambda n, size, state: StagedToy(n),
    }.items():
        sentence = "Convolutions that keep position, and a line."
        if name not in NETWORKS:  # a home within the home of another test knows them already
            NETWORKS.register(Network(name=name, title=name, sentence=sentence, role="student", make=make, min_size=16))


# Registers the toys as soon as a process knows networks, so that those which never do stay quick.
SITE = f"""
import importlib.util, sys


class WhenNetworksAreKnown:
    def find_spec(self, name, path, target=None):
        if name != "cxrkd.models.network":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), toys().register())
        return spec


def toys():
    spec = importlib.util.spec_from_file_location("toys", {__file__!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sys.meta_path.insert(0, WhenNetworksAreKnown())
"""


def everywhere(patch, folder):
    """Let this process, and every Python that it starts, know the toys for as long as the patch lasts."""
    from cxrkd.models.network import NETWORKS

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITE)
    patch.setenv("PYTHONPATH", str(folder))
    patch.setenv("OMP_NUM_THREADS", "1")
    assert list(NETWORKS)  # registers what there is, before the toys are added for the time of the patch
    patch.setattr(NETWORKS, "_entries", dict(NETWORKS._entries))
    register()


def table(name, labels, images, targets, shares):
    """A cohort of two films a patient.

    Args:
        name: also its fingerprint.
        labels: K names.
        images: numbers (N, S, S), cut to 0..255.
        targets: (N, K) of 0, 1, NaN.
        shares: tenths of the films in train, val and test.
    """
    from cxrkd.data.cohort import Cohort
    from cxrkd.data.pixels import InMemory

    n = len(images)
    return Cohort(
        name=name,
        labels=labels,
        targets=targets,
        patients=np.repeat([f"p{i:03d}" for i in range(n // 2)], 2),
        ids=np.array([f"i{i:04d}" for i in range(n)]),
        split=np.repeat(np.repeat(np.array(["train", "val", "test"]), shares), n // 10),
        views=np.array(["PA", "AP"] * (n // 2)),
        pixels=InMemory(images.clip(0, 255).astype(np.uint8), name),
        synthetic=True,
    )


def blobs():
    """60 patients; a blob on the left, one on the right, a bright background: one label each."""
    rng, n = np.random.default_rng(0), 120
    targets = (rng.random((n, 3)) < 0.5).astype(np.float32)
    images = rng.normal(60, 15, (n, SIZE, SIZE)) + 60 * targets[:, 2, None, None]
    images[:, 10:22, 3:13] += 90 * targets[:, 0, None, None]
    images[:, 10:22, 19:29] += 90 * targets[:, 1, None, None]
    return table("blobs", LABELS, images, targets, (6, 2, 2))


def corners():
    """120 patients, 14 labels; the first four are where a bright blob is, the others are coins."""
    from cxrkd.labels import CHESTXRAY14

    rng, n = np.random.default_rng(0), 240
    targets = (rng.random((n, 14)) < 0.4).astype(np.float32)
    images = rng.normal(80, 25, (n, SIZE, SIZE))
    for k, (y, x) in enumerate([(2, 2), (2, 18), (18, 2), (18, 18)]):
        images[:, y : y + 12, x : x + 12] += 45 * targets[:, k, None, None]
    targets[::7, 5] = np.nan
    return table("corners", CHESTXRAY14, images, targets, (4, 2, 4))


def tiny_config(name="Tiny run", *, patients=20, size=SIZE, arch="toy", train=None, **changes):
    """The smallest run: one epoch each, one seed, one network for all members."""
    from cxrkd.config import RunConfig, TrainConfig
    from cxrkd.data.readers.phantom import PhantomConfig

    train = TrainConfig(**{"epochs": 1, "warm_epochs": 0, "batch_size": 16, "learning_rate": 0.02} | (train or {}))
    base = {
        "name": name,
        "data": PhantomConfig(n_patients=patients, image_size=size),
        "teacher_arch": arch,
        "student_arch": arch,
        "teacher_train": train,
        "student_train": train,
    }
    return RunConfig(**(base | changes))


def finished_run(config, *, skill=SKILL, maps=False, folder=None):
    """A run folder as a worker leaves it, without training: untrained networks, and logits of truth and noise.

    Args:
        config: its networks must be registered.
        skill: of each member, how much of the truth its logits hold; "trivial" is the model without anatomy.
        maps: whether it keeps films to explain.
        folder: where, if not among the runs.
    """
    from cxrkd.data import load_cohort
    from cxrkd.jobs.environment import describe
    from cxrkd.jobs.events import EVENTS, append_event
    from cxrkd.jobs.files import write_json
    from cxrkd.jobs.job import ENVIRONMENT, LOG
    from cxrkd.jobs.state import JobState, write_state
    from cxrkd.runs import create
    from cxrkd.runs.predictions import kept_rows, write_cases
    from cxrkd.runs.run import LABELS as LABEL_FILE
    from cxrkd.runs.run import METRICS

    run, rows = create(config, folder), load_cohort(config.data)
    write_json(run.path / LABEL_FILE, list(rows.labels))
    write_cases(run.path, rows)
    rng = np.random.default_rng(0)
    for member, share in skill.items():
        _write_member(run, member, share * rows.targets[kept_rows(rows)], rng)
    append_event(run.path / EVENTS, {"kind": "done"})
    if maps:
        _write_films(run, rng)
    write_json(run.path / METRICS, run.measure().to_dict())
    write_json(run.path / ENVIRONMENT, {"version": 1, **describe(), "started": 1e9, "finished": 1e9, "seconds": {}})
    (run.path / LOG).write_text("12:00:00 Measuring\n")
    shutil.rmtree(run.path / "work")  # as when a run is done
    write_state(run.path, JobState("done", "Done", 1.0, created=1e9, started=1e9, finished=1e9 + 90))
    return run


def small_run(name="small", *, maps=True):
    """A finished run of toys with every file that a run leaves, in a moment."""
    return finished_run(tiny_config(name, patients=40), skill=SKILL | {"trivial": 0.5}, maps=maps)


def _write_member(run, member, truth, rng):
    from cxrkd.models.weights import save_weights
    from cxrkd.models.zoo import build
    from cxrkd.runs.predictions import write_logits

    config, once = run.config, member in ("teacher", "trivial")
    for seed in config.seeds[:1] if once else config.seeds:
        write_logits(run.path, member, seed, truth + rng.normal(-2, 1.2, truth.shape))
        if member != "trivial":
            _write_epochs(run, member, seed)
    if member != "trivial":
        arch = config.teacher_arch if member == "teacher" else config.student_arch
        torch.manual_seed(0 if member == "teacher" else 1)
        shrinks_to = None if member == "teacher" else config.student_size or None
        network = build(arch, run.labels, config.data.image_size, shrinks_to=shrinks_to)
        save_weights(network, run.weights_path(member))


def _write_epochs(run, member, seed):
    from cxrkd.jobs.events import EVENTS, append_event

    epochs = run.config.student_train.epochs
    for epoch in range(1, epochs + 1):
        event = {"kind": "epoch", "stage": f"{member}-{seed}", "member": member, "seed": seed, "epoch": epoch}
        event |= {"epochs": epochs, "loss": SKILL[member] / (epoch + 2), "val_auroc": 0.6 + 0.08 * epoch}
        append_event(run.path / EVENTS, event | {"images_per_s": 50.0})


def _write_films(run, rng):
    from cxrkd.data import load_cohort
    from cxrkd.explain.reference import MIN_FILMS
    from cxrkd.images.likeness import BYTES
    from cxrkd.runs.reference import write_reference
    from cxrkd.runs.seen import Seen, write_seen

    side = run.config.data.image_size
    write_reference(run, rng.integers(0, 255, (MIN_FILMS, side, side), np.uint8))
    rows = load_cohort(run.config.data)
    hashes = rng.integers(0, 256, (len(rows), BYTES), np.uint8)  # of no film: drawing them takes longer
    write_seen(run, Seen(rows.ids, rows.ids, rows.patients, rows.split, hashes))
