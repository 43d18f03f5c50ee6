"""Objectives in a run: what is asked of the teacher, and what stays of what an objective owns."""

from typing import Literal

import numpy as np
import pytest
import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import nn

from cxrkd.checksums import check
from cxrkd.config import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm
from cxrkd.distill.loss import StatefulObjective
from cxrkd.evaluate.temperatures import fitted_temperatures
from cxrkd.jobs.execute import execute
from cxrkd.runs import create, stages
from cxrkd.runs.predictions import kept_rows
from cxrkd.train import shares


class PooledTerm(ObjectiveTerm):
    name: Literal["pooled"] = Field("pooled", title="Objective")


class PooledConfig(PooledTerm, ObjectiveConfig):
    """And from the labels."""


class Pooled(StatefulObjective):
    """Embeddings through a projection."""

    def __init__(self, term, student, teacher):
        super().__init__()
        self.projection = nn.Linear(8, 8)

    def forward(self, student, teacher, targets):
        return (self.projection(student.embeddings) - teacher.embeddings).square().mean()


POOLED = Objective(
    name="pooled",
    title="Pooled features",
    sentence="What the head is given.",
    needs=("embeddings",),
    term=PooledTerm,
    config=PooledConfig,
    build=Pooled,
)


@pytest.fixture
def asked(monkeypatch):
    """Of how many films the teacher was asked before the students were trained."""
    counts, predict = [], shares.predict_logits

    def counting(model, images, **options):
        counts.append(len(images))
        return predict(model, images, **options)

    monkeypatch.setattr(shares, "predict_logits", counting)
    return counts


@pytest.mark.parametrize("view", ["cached", "same"])
def test_a_teacher_in_the_loop_is_not_asked_about_training_films_before(config, blobs, blob_data, asked, view):
    run = create(config(objective=ObjectiveConfig.named("bkd", view=view), control=False))
    execute(run)
    kept = len(kept_rows(blobs))
    assert asked == [len(blobs) if view == "cached" else kept]
    assert run.predictions("teacher").logits.shape[1:] == (len(blobs.rows("test")), 14)
    assert sorted(path.name for path in (run.path / "models").iterdir()) == [
        "distilled.safetensors",
        "teacher.safetensors",
    ]


def test_what_an_objective_owns_stays_with_the_run(config, blob_data):
    with OBJECTIVES.adding(POOLED):
        run = create(config(objective=ObjectiveConfig.named("pooled", view="same"), seeds=(0, 1), control=False))
        execute(run)
        path = run.path / "models" / "objective.safetensors"
        owned = load_file(path)
        assert check(path)
        assert set(owned) == {f"terms.pooled.loss.projection.{name}" for name in ("weight", "bias")}
        assert all(torch.isfinite(tensor).all() for tensor in owned.values())
        assert run.members() == ["teacher", "distilled"]
        epochs = [event for event in run.events() if event["kind"] == "epoch"]
        distilled = [event for event in epochs if event["member"] == "distilled"]
        assert [set(event["parts"]) for event in distilled] == [{"task", "pooled"}] * 2
        assert all(event["parts"]["pooled"] == pytest.approx(event["distill"]) for event in distilled)


def test_losses_know_how_common_labels_are_and_how_sure_the_teacher_may_be(config, blobs, blob_data, monkeypatch):
    """From the run's own folder: on resume they know the same."""
    known, fit = {}, stages.fit_member
    monkeypatch.setattr(
        stages, "fit_member", lambda task, *rest: (known.update({task.member: task.facts}), fit(task, *rest))
    )
    run = create(config(objective=ObjectiveConfig.named("bkd", balance="weighted", temperatures="fitted")))
    execute(run)
    kept = run.predictions("teacher", "val")
    assert known["distilled"].temperatures == tuple(fitted_temperatures(kept.logits[0], kept.targets))
    assert len(set(known["distilled"].temperatures)) > 1
    assert known["alone"].temperatures == known["teacher"].temperatures == ()
    shares = np.nanmean(blobs.targets[blobs.rows("train")], 0)
    assert known["alone"].prevalence == known["distilled"].prevalence == pytest.approx(shares)
