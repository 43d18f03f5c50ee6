"""A finished run without training: untrained networks, and predictions that know the truth up to noise."""

import numpy as np
import pytest
import torch

from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data import load_cohort
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.jobs.events import append_event
from cxrkd.jobs.files import write_json
from cxrkd.jobs.job import EVENTS
from cxrkd.jobs.state import RunState, write_state
from cxrkd.models import build, save_weights
from cxrkd.runs import create
from cxrkd.runs.metrics import RunMetrics, compare, measure_member
from cxrkd.runs.predictions import kept_rows, write_cases, write_logits
from cxrkd.runs.run import LABELS, METRICS

SKILL = {"teacher": 2.6, "alone": 1.9, "distilled": 2.1}


def make_run(
    name="made", *, patients=1200, size=64, seeds=(0, 1), teacher="mobilenetv3_large_100", student="eeea_net_c2"
):
    """A run folder as `execute` leaves it, in the current home, in about a second."""
    small = TrainConfig(epochs=3, warm_epochs=0)
    config = RunConfig(
        name=name,
        data=PhantomConfig(n_patients=patients, image_size=size),
        teacher_arch=teacher,
        student_arch=student,
        teacher_train=small,
        student_train=small,
        seeds=seeds,
    )
    run = create(config)
    table = load_cohort(config.data)
    write_json(run.path / LABELS, list(table.labels))
    (run.path / "predictions").mkdir()
    write_cases(run.path, table)
    write_members(run, table)
    write_figures(run)
    write_state(run.path, RunState("done", "Done", 1.0, created=1e9, started=1e9, finished=1e9 + 90))
    return run


def write_members(run, table):
    rng, targets = np.random.default_rng(0), table.targets[kept_rows(table)]
    for member, skill in SKILL.items():
        arch = run.config.teacher_arch if member == "teacher" else run.config.student_arch
        torch.manual_seed(0 if member == "teacher" else 1)
        save_weights(build(arch, table.labels, run.config.data.image_size), run.weights_path(member))
        for seed in run.config.seeds[:1] if member == "teacher" else run.config.seeds:
            noise = rng.normal(-2, 1.2, targets.shape)
            write_logits(run.path, member, seed, skill * targets + noise)
            for epoch in (1, 2, 3):
                told = {"kind": "epoch", "member": member, "seed": seed, "epoch": epoch, "epochs": 3}
                told |= {"loss": skill / (epoch + 2), "val_auroc": 0.6 + 0.08 * epoch, "images_per_s": 50.0}
                append_event(run.path / EVENTS, told)


def write_figures(run):
    test = {member: run.predictions(member) for member in SKILL}
    figures = {
        member: measure_member(
            run.config.teacher_arch if member == "teacher" else run.config.student_arch,
            run.predictions(member, "val"),
            said,
            run.labels,
        )
        for member, said in test.items()
    }
    gain, gap = compare(test, "distilled", "alone", run.labels), compare(test, "distilled", "teacher", run.labels)
    write_json(run.path / METRICS, RunMetrics(run.labels, figures, gain, gap).to_dict())


@pytest.fixture(scope="session")
def home_with_run(tmp_path_factory):
    """A home that holds one finished run called "made"."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("with-run")
        patch.setenv("CXRKD_HOME", str(home))
        make_run()
    return home
