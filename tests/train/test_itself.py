"""A student that is taught by the average of its own best epochs."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.distill.loss import control, objective
from cxrkd.distill.own_average import OwnAverage
from cxrkd.models.views import Views
from cxrkd.train.fit import fit
from tests.train.killed import KilledError, kill_after

PACE = TrainConfig(epochs=4, warm_epochs=0, batch_size=12, learning_rate=0.02, augment=True)
NAN = float("nan")


def filled(toy, value):
    with torch.no_grad():
        for parameter in toy.parameters():
            parameter.fill_(value)
    return toy


def trained(toy, cohort, folder, on_event=lambda event: None, **settings):
    loss = objective(ObjectiveConfig.named("self", view="same", **settings), toy)
    answers = np.zeros_like(cohort.targets)
    fit(toy, cohort, PACE, loss, teacher_logits=answers, seed=0, work_dir=folder, on_event=on_event)
    return toy, loss


@pytest.mark.parametrize(
    ("aurocs", "taken"),
    [((0.6, 0.7, 0.65, 0.8), (0, 1, 3)), ((0.6, 0.5, 0.6), (0,)), ((NAN, NAN), (0, 1)), ((0.6, NAN, 0.7), (0, 1, 2))],
)
def test_the_average_is_of_the_epochs_that_were_the_best_so_far(toy, aurocs, taken):
    own = OwnAverage(toy, 1.0)
    for epoch, auroc in enumerate(aurocs):
        own.after_epoch(filled(toy, float(epoch)), auroc)
    assert int(own.epochs) == len(taken)
    values = torch.cat([parameter.flatten() for parameter in own.average.parameters()])
    torch.testing.assert_close(values, torch.full_like(values, float(np.mean(taken))))


def test_its_gradient_is_that_of_labels_mixed_with_what_the_average_says(fresh_toy):
    toy = fresh_toy().eval()
    loss = objective(ObjectiveConfig.named("self", alpha=0.3), toy)
    images, y = torch.rand(4, 1, 32, 32), torch.tensor([[0.0, 1.0, 1.0]] * 4)
    z = torch.randn(4, 3, requires_grad=True)
    told = loss(Views(z, images), Views(torch.zeros(4, 3)), y)
    assert told.distill.item() == 0, "no epoch has ended"
    loss.after_epoch(toy, 0.5)
    with torch.no_grad():
        p = torch.sigmoid(toy(images))
    told = loss(Views(z, images), Views(torch.full((4, 3), NAN)), y)
    mixed = F.binary_cross_entropy_with_logits(z, 0.3 * y + 0.7 * p)
    torch.testing.assert_close(*(torch.autograd.grad(value, z)[0] for value in (told.total, mixed)))
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_it_is_zero_where_the_student_is_its_average(fresh_toy):
    toy = fresh_toy().eval()
    own = OwnAverage(toy, 2.0)
    own.after_epoch(toy, 0.5)
    images = torch.rand(1, 1, 32, 32)
    assert own(Views(toy(images), images), Views(torch.zeros(1, 3)), torch.zeros(1, 3)).item() == 0


def test_it_is_resumed_bit_for_bit_and_learns(fresh_toy, blobs, tmp_path):
    told = []
    whole, loss = trained(fresh_toy(), blobs, tmp_path / "whole", told.append)
    with pytest.raises(KilledError):
        trained(fresh_toy(), blobs, tmp_path / "cut", kill_after(2))
    resumed, again = trained(fresh_toy(), blobs, tmp_path / "cut")
    for first, second in ((whole, resumed), (loss, again)):
        assert all(torch.equal(t, second.state_dict()[name]) for name, t in first.state_dict().items())
    epochs = [event for event in told if event["kind"] == "epoch"]
    assert epochs[0]["parts"]["self"] == 0
    assert all(event["parts"]["self"] > 0 for event in epochs[1:])
    assert epochs[-1]["val_auroc"] > 0.9


def test_with_labels_alone_it_is_its_control(fresh_toy, blobs, tmp_path):
    student, _ = trained(fresh_toy(), blobs, tmp_path / "self", alpha=1.0)
    alone = copy.deepcopy(fresh_toy())
    config = ObjectiveConfig.named("self")
    fit(alone, blobs, PACE, control(config), seed=0, work_dir=tmp_path / "alone", on_event=lambda event: None)
    assert all(torch.equal(tensor, alone.state_dict()[name]) for name, tensor in student.state_dict().items())
