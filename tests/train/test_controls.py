"""Controls that tell knowledge from regularisation: shuffled answers, an average of weights."""

import numpy as np
import pytest
import torch

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.distill.loss import objective, plain
from cxrkd.train.average import averaged
from cxrkd.train.batches import Batches
from cxrkd.train.fit import CHECKPOINT, fit
from cxrkd.train.module import Training
from cxrkd.train.norms import films, recount_norms
from cxrkd.train.schedule import plan
from tests.train.killed import KilledError, kill_after

PACE = TrainConfig(epochs=3, warm_epochs=0, batch_size=12, learning_rate=0.02)


def ended(model, cohort, folder, train=PACE, loss=None, on_event=lambda event: None, **options):
    fit(model, cohort, train, loss or plain(), seed=0, work_dir=folder, on_event=on_event, **options)
    return model.state_dict()


def test_the_average_is_the_recurrence_in_double():
    layer = torch.nn.Linear(3, 2)
    average, by_hand = averaged(layer, 0.5), None
    for step in range(12):
        with torch.no_grad():
            layer.weight.copy_(torch.randn(2, 3, generator=torch.Generator().manual_seed(step)))
        average.update_parameters(layer)
        now, kept = layer.weight.detach().double(), min(0.5, (1 + step) / (10 + step))
        by_hand = now if by_hand is None else kept * by_hand + (1 - kept) * now
    torch.testing.assert_close(average.module.weight.double(), by_hand, rtol=1e-5, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in average.parameters())


@pytest.mark.parametrize("augment", [False, True])
def test_what_is_kept_is_the_average_with_norms_of_its_own(fresh_toy, blobs, tmp_path, augment):
    train = PACE.model_copy(update={"average": 0.9, "augment": augment})
    kept = ended(fresh_toy(), blobs, tmp_path, train)
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)["state_dict"]
    own, average = ({name: saved[f"{where}.{name}"] for name in kept} for where in ("model", "average.module"))
    assert int(saved["average.n_averaged"]) == 18
    weights = [name for name in kept if "running" not in name and "num_batches" not in name]
    assert all(torch.equal(kept[name], average[name]) for name in weights)
    assert not any(torch.equal(kept[name], own[name]) for name in weights)
    counted = fresh_toy()
    counted.load_state_dict(average)
    recount_norms(counted, films(blobs, 32, 12, seed=0))
    torch.testing.assert_close(dict(counted.state_dict()), dict(kept), rtol=1e-4, atol=1e-6)


def test_an_average_is_resumed_bit_for_bit(fresh_toy, blobs, tmp_path):
    train = PACE.model_copy(update={"average": 0.9})
    whole = ended(fresh_toy(), blobs, tmp_path / "whole", train)
    with pytest.raises(KilledError):
        ended(fresh_toy(), blobs, tmp_path / "cut", train, on_event=kill_after(1))
    resumed = ended(fresh_toy(), blobs, tmp_path / "cut", train)
    read_again = ended(fresh_toy(seed=5), blobs, tmp_path / "cut", train)
    assert all(torch.equal(whole[name], tensor) for name, tensor in resumed.items())
    assert all(torch.equal(whole[name], tensor) for name, tensor in read_again.items())


def test_an_average_changes_nothing_of_the_training_itself(fresh_toy, blobs, tmp_path):
    ended(fresh_toy(), blobs, tmp_path / "with", PACE.model_copy(update={"average": 0.9}))
    plain_ = ended(fresh_toy(), blobs, tmp_path / "without")
    saved = torch.load(tmp_path / "with" / CHECKPOINT, weights_only=True)["state_dict"]
    assert all(torch.equal(saved[f"model.{name}"], tensor) for name, tensor in plain_.items())


def shuffled(student, **settings):
    return objective(ObjectiveConfig.named("bkd", alpha=0.0, shuffled=True, **settings), student)


def test_every_image_is_taught_by_the_answer_to_another(fresh_toy, blobs):
    schedule, answers = plan(PACE, len(blobs.rows("train")), 32), np.zeros_like(blobs.targets)
    answers[:, 0] = np.arange(len(blobs))
    batches = Batches(blobs, schedule, 0, PACE, answers)
    student, batch = fresh_toy(), batches.at(0)
    trainings = [Training(student, blobs, batches, shuffled(student), PACE, schedule) for _ in range(2)]
    taught = [training._taught(batch).logits[:, 0] for training in trainings]
    own = torch.from_numpy(batch.rows).float()
    assert torch.equal(*taught), "a function of seed and step"
    assert torch.equal(taught[0].sort().values, own)
    assert not (taught[0] == own).any()
    assert torch.equal(Training(student, blobs, batches, plain(), PACE, schedule)._taught(batch).logits[:, 0], own)


def test_shuffled_answers_teach_nothing_and_are_resumed_bit_for_bit(fresh_toy, blobs, tmp_path):
    """Labels weigh nothing: what is learned is how common each answer is."""
    answers = {"teacher_logits": (8 * blobs.targets - 4).astype(np.float32)}
    told, student = [], fresh_toy()
    whole = ended(student, blobs, tmp_path / "whole", loss=shuffled(student), on_event=told.append, **answers)
    assert [event["val_auroc"] for event in told if event["kind"] == "epoch"][-1] < 0.75
    student = fresh_toy()
    seen = []
    ended(
        student,
        blobs,
        tmp_path / "own",
        loss=objective(ObjectiveConfig.named("bkd", alpha=0.0), student),
        on_event=seen.append,
        **answers,
    )
    assert [event["val_auroc"] for event in seen if event["kind"] == "epoch"][-1] > 0.95
    with pytest.raises(KilledError):
        ended(fresh_toy(), blobs, tmp_path / "cut", loss=shuffled(student), on_event=kill_after(1), **answers)
    resumed = ended(fresh_toy(), blobs, tmp_path / "cut", loss=shuffled(student), **answers)
    assert all(torch.equal(whole[name], tensor) for name, tensor in resumed.items())
