"""A run that was killed under an older version, before there were kinds of job, goes on.

`older/interrupted` was left by commit 82ec49a, killed after the second epoch of the distilled student.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cxrkd.config import TrainConfig
from cxrkd.jobs import lease
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import DISTILLATION, own_jobs
from cxrkd.jobs.queue import resume
from cxrkd.runs import create, open_run

OLDER = Path(__file__).parent / "older" / "interrupted"


@pytest.fixture
def older(home, monkeypatch):
    """The folder as it was left, by a process of this machine that lives no more."""
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    folder = own_jobs() / "interrupted"
    shutil.copytree(OLDER, folder)
    for name in ("state.json", lease.LEASE):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("PLACE", lease.place()))
    return open_run("interrupted")


def test_it_reads_as_a_run_that_was_interrupted(older):
    assert older.kind.name == DISTILLATION
    assert (older.state.status, older.state.order) == ("interrupted", 1)
    assert older.members() == ["teacher", "alone"]
    assert [event["stage"] for event in older.events() if event["kind"] == "epoch"][-1] == "distilled-0"


def test_it_goes_on_after_its_last_epoch_to_the_end_that_it_would_have_had(older, config):
    kept = older.predictions("alone").logits
    execute(resume(older))
    epochs = [(event["stage"], event["epoch"]) for event in older.events() if event["kind"] == "epoch"]
    assert [epoch for stage, epoch in epochs if stage == "teacher"] == [1, 2, 3]
    assert len(set(epochs)) == 9
    assert len(epochs) <= 10  # at most the epoch it was killed after is told twice
    train = TrainConfig(epochs=3, warm_epochs=0, batch_size=16, learning_rate=0.02)
    whole = create(config("Whole", teacher_train=train, student_train=train))
    execute(whole)
    assert older.config.model_copy(update={"name": "Whole"}) == whole.config
    assert np.allclose(kept, whole.predictions("alone").logits, atol=1e-4)
    assert np.allclose(older.predictions("distilled").logits, whole.predictions("distilled").logits, atol=1e-4)
