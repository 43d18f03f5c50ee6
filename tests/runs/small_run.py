"""A finished run of toy networks, made in a moment: every file of a recipe, and answers that are mostly right."""

import time

import numpy as np
import torch

from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.explain import MIN_FILMS
from cxrkd.jobs.environment import describe
from cxrkd.jobs.events import append_event
from cxrkd.jobs.files import write_json
from cxrkd.jobs.job import ENVIRONMENT, EVENTS, LOG
from cxrkd.jobs.state import read_state, write_state
from cxrkd.models import build, save_weights
from cxrkd.runs import create
from cxrkd.runs.metrics import measure_run
from cxrkd.runs.predictions import kept_rows, write_cases, write_logits
from cxrkd.runs.reference import write_reference
from cxrkd.runs.run import LABELS, METRICS

MEMBERS = {"teacher": 2.6, "alone": 1.9, "distilled": 2.1, "trivial": 0.5}


def make(name="small", *, maps=True):
    """A run folder as `execute` leaves it, of the networks called "toy", which must be registered."""
    train = TrainConfig(epochs=1, warm_epochs=0)
    data = PhantomConfig(n_patients=40, image_size=32)
    run = create(
        RunConfig(
            name=name, data=data, teacher_arch="toy", student_arch="toy", teacher_train=train, student_train=train
        )
    )
    table = load_cohort(data)
    write_json(run.path / LABELS, list(table.labels))
    write_cases(run.path, table)
    rng, targets = np.random.default_rng(0), table.targets[kept_rows(table)]
    for member, skill in MEMBERS.items():
        write_logits(run.path, member, 0, skill * targets + rng.normal(-2, 1.2, targets.shape))
        if member != "trivial":
            torch.manual_seed(len(member))
            save_weights(build("toy", table.labels, 32), run.weights_path(member))
            told = {"kind": "epoch", "stage": f"{member}-0", "member": member, "seed": 0, "epoch": 1, "epochs": 1}
            append_event(run.path / EVENTS, told | {"loss": 0.4, "val_auroc": 0.7, "images_per_s": 50.0})
    append_event(run.path / EVENTS, {"kind": "done"})
    if maps:
        write_reference(run, rng.integers(0, 255, (MIN_FILMS, 32, 32), np.uint8))
    write_json(run.path / METRICS, measure_run(run).to_dict())
    write_json(run.path / ENVIRONMENT, {"version": 1, **describe(), "started": 1e9, "finished": 1e9, "seconds": {}})
    (run.path / LOG).write_text("12:00:00 Measuring\n")
    state = read_state(run.path)
    write_state(run.path, state.at_rest("done", stage="Done", progress=1.0, started=time.time(), finished=time.time()))
    return run
