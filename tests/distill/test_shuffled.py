"""Answers that belong to other images."""

from collections import Counter

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from cxrkd.config import ObjectiveConfig, RunConfig
from cxrkd.distill.loss import LabelHints
from cxrkd.distill.shuffled import derangement
from cxrkd.models.views import Views


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64])
def test_no_image_keeps_its_own_answer(n):
    orders = [derangement(n, np.random.default_rng((seed, 1))) for seed in range(20)]
    assert all(sorted(order) == list(range(n)) for order in orders)
    assert n == 1 or not any((order == np.arange(n)).any() for order in orders)


def test_every_cycle_of_four_is_as_likely_as_any():
    rng = np.random.default_rng(0)
    counts = Counter(tuple(derangement(4, rng)) for _ in range(3000))
    assert len(counts) == 6
    assert all(400 < n < 600 for n in counts.values()), "500 each, within five deviations"


def test_everything_that_is_said_of_an_image_moves_together():
    rows = torch.arange(3.0)
    told = Views(rows[:, None], rows[:, None], rows[:, None], rows[:, None], (rows[:, None], rows[:, None]))
    moved = told.of(torch.tensor([2, 0, 1]))
    tensors = [moved.logits, moved.images, moved.maps, moved.embeddings, *moved.stages]
    assert [t.flatten().tolist() for t in tensors] == [[2.0, 0.0, 1.0]] * 6
    assert Views(rows[:, None]).of(torch.tensor([1, 2, 0])).maps is None


def test_an_image_alone_has_no_other():
    objective = ObjectiveConfig.named("bkd", shuffled=True)
    with pytest.raises(ValidationError, match="an image alone has no other"):
        RunConfig(name="x", objective=objective, student_train={"batch_size": 1})
    assert RunConfig(name="x", objective=objective, student_train={"batch_size": 2}).objective.shuffled


def test_smoothing_gives_both_answers_of_a_label_the_same_share():
    y = torch.tensor([[0.0, 1.0, float("nan"), 0.3]])
    two = torch.stack([1 - y, y], -1)
    textbook = (0.8 * two + 0.2 / 2)[..., 1]
    torch.testing.assert_close(LabelHints(smoothing=0.2).softened(y), textbook, equal_nan=True)
