"""Training: it learns, it resumes to the same weights, it stays quiet, it says what goes wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from cxrkd.checksums import check
from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.data.pixels import InMemory
from cxrkd.distill.loss import LabelHints, Loss, control, objective, plain
from cxrkd.errors import DataError, RunError
from cxrkd.models.label_maps import label_maps
from cxrkd.train.batches import Batches
from cxrkd.train.fit import CHECKPOINT, fit
from cxrkd.train.norms import films, recount_norms
from cxrkd.train.predict import predict_logits
from cxrkd.train.schedule import plan
from tests.train.killed import KilledError, kill_after

PACE = TrainConfig(epochs=2, warm_epochs=2, warm_size=32, batch_size=12, learning_rate=0.02, augment=True)
PLAIN = plain()


def run_fit(model, cohort, folder, train=PACE, loss=PLAIN, on_event=None, **options):
    events = []
    report = fit(
        model, cohort, train, loss, **{"seed": 0, "work_dir": folder, "on_event": on_event or events.append, **options}
    )
    return report, events


def distilling(name, student, **settings):
    return objective(ObjectiveConfig.named(name, **settings), student)


class Spy(Loss):
    """Does what another loss does, and shows what it was given and what came of it."""

    def __init__(self, inner, look):
        super().__init__(inner.task, inner.alpha, list(inner.terms.values()), inner.needs, inner.hints)
        self.look = look

    def forward(self, student, teacher, targets, progress=1.0, covered=None):
        parts = super().forward(student, teacher, targets, progress, covered)
        return self.look(student, teacher, targets, parts) or parts


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.fixture
def half_size(fresh_toy):
    """The toy with an input of 64, so that epochs at 32 come before those at 64."""

    def make():
        toy = fresh_toy()
        toy.input_size = 64
        return toy

    return make


def test_it_learns_what_can_be_seen(toy, blobs, tmp_path):
    report, events = run_fit(toy, blobs, tmp_path, PACE.model_copy(update={"epochs": 8}))
    assert report.val_auroc > 0.95
    losses = [event["loss"] for event in events if event["kind"] == "epoch"]
    assert losses[-1] < 0.6 * losses[0]
    assert not toy.training


@pytest.mark.parametrize("found_in", [True, False], ids=["as built", "as loaded"])
def test_every_step_is_taken_in_training_mode(half_size, blobs, tmp_path, found_in):
    """Epochs at a smaller size are tried out first; dropout and batch norms must learn all the same."""
    toy, modes = half_size().train(found_in), []
    before = {name: buffer.clone() for name, buffer in toy.named_buffers() if name.endswith("running_var")}
    dropout = next(module for module in toy.modules() if isinstance(module, nn.Dropout))
    dropout.register_forward_hook(lambda module, *_: modes.append(module.training) if torch.is_grad_enabled() else None)
    report, _ = run_fit(toy, blobs, tmp_path)
    assert modes == [True] * report.steps
    assert not any(torch.equal(before[name], buffer) for name, buffer in toy.named_buffers() if name in before)


@pytest.mark.parametrize("killed_in", [1, 2, 3])
def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(half_size, blobs, tmp_path, killed_in):
    """Order, augmentation, dropout, batch norm, AdamW and the one-cycle rate, across the change of size."""
    whole, train = half_size(), PACE.model_copy(update={"degrade": killed_in == 2})
    full_report, full_events = run_fit(whole, blobs, tmp_path / "whole", train)
    with pytest.raises(KilledError):
        run_fit(half_size(), blobs, tmp_path / "cut", train, on_event=kill_after(killed_in))
    resumed = half_size()
    report, events = run_fit(resumed, blobs, tmp_path / "cut", train)
    assert report.resumed_epochs == killed_in
    assert [e["epoch"] for e in events if e["kind"] == "epoch"] == list(range(killed_in + 1, 5))
    assert [e["size"] for e in full_events if e["kind"] == "epoch"] == [32, 32, 64, 64]
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert report.val_auroc == full_report.val_auroc


def test_a_finished_training_is_only_read_back(fresh_toy, blobs, tmp_path):
    first, again = fresh_toy(), fresh_toy(seed=5)
    run_fit(first, blobs, tmp_path)
    report, events = run_fit(again, blobs, tmp_path)
    assert report.epochs == ()
    assert not [e for e in events if e["kind"] == "epoch"]
    assert all(torch.equal(a, b) for a, b in zip(weights(first).values(), weights(again).values(), strict=True))


def test_seeds_differ_and_repeat(fresh_toy, blobs, tmp_path):
    models = [fresh_toy() for _ in range(3)]
    for i, (model, seed) in enumerate(zip(models, (0, 0, 1), strict=True)):
        run_fit(model, blobs, tmp_path / str(i), seed=seed)
    same, other = (next(m.parameters()) for m in (models[1], models[2]))
    assert torch.equal(next(models[0].parameters()), same)
    assert not torch.allclose(next(models[0].parameters()), other)


def test_it_leaves_the_random_state_of_its_caller_alone(toy, blobs, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    run_fit(toy, blobs, tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_events_tell_epochs_and_progress(toy, blobs, tmp_path):
    report, events = run_fit(toy, blobs, tmp_path)
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert [(e["epoch"], e["epochs"]) for e in epochs] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(epochs[0]) >= {"size", "loss", "task", "distill", "val_auroc", "seconds", "images_per_s"}
    assert epochs[-1]["val_auroc"] == report.val_auroc
    assert report.steps == 24
    progress = [event for event in events if event["kind"] == "progress"]
    assert progress
    assert all(0 < e["fraction"] <= 1 and e["eta_s"] >= 0 and math.isfinite(e["loss"]) for e in progress)


def lose_the_checksum(content):
    """An archive of a version that wrote none, cut in the middle of a weight."""
    end = content.rindex(b"PK\x05\x06")
    plain = content[: end + 20] + b"\0\0"
    at = plain.index(b"data/0") + 200
    return plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1 :]


DAMAGE = {
    "a bit": lambda content: content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a bit, no checksum": lose_the_checksum,
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_checkpoint_is_said_and_the_training_starts_again(fresh_toy, blobs, tmp_path, damage):
    whole, again = fresh_toy(), fresh_toy()
    train = PACE.model_copy(update={"epochs": 1, "warm_epochs": 0})
    run_fit(whole, blobs, tmp_path, train)
    path = tmp_path / CHECKPOINT
    assert check(path) is True
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    report, events = run_fit(again, blobs, tmp_path, train)
    (warning,) = [event["message"] for event in events if event["kind"] == "warning"]
    assert "last.ckpt is damaged" in warning
    assert "starts again" in warning
    assert report.resumed_epochs == 0
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in whole.state_dict().items())


def test_a_checkpoint_of_a_version_without_checksums_is_gone_on_from(fresh_toy, blobs, tmp_path):
    train = PACE.model_copy(update={"epochs": 1, "warm_epochs": 0})
    run_fit(fresh_toy(), blobs, tmp_path, train)
    path = tmp_path / CHECKPOINT
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"PK\x05\x06") + 20] + b"\0\0")
    assert check(path) is False
    report, events = run_fit(fresh_toy(), blobs, tmp_path, train)
    assert report.resumed_epochs == 1
    assert not [event for event in events if event["kind"] == "warning"]


def test_it_prints_nothing_and_writes_only_its_checkpoint(toy, blobs, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    run_fit(toy, blobs, tmp_path / "work")
    assert capfd.readouterr() == ("", "")
    assert [p.name for p in tmp_path.iterdir()] == ["work"]
    assert [p.name for p in (tmp_path / "work").iterdir()] == [CHECKPOINT]


def test_the_checkpoint_holds_the_student_and_no_teacher(toy, blobs, tmp_path):
    teacher = np.zeros((len(blobs), 3), np.float32)
    run_fit(toy, blobs, tmp_path, loss=distilling("paper", toy), teacher_logits=teacher)
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert set(saved["state_dict"]) == {f"model.{name}" for name in toy.state_dict()}


@pytest.mark.parametrize("name", ["paper", "bkd"])
def test_the_teacher_alone_teaches(fresh_toy, blobs, tmp_path, name):
    """Labels weigh nothing; the student must come to answer as the teacher does, which here contradicts the labels."""
    teacher = (4 - 8 * blobs.targets).astype(np.float32)
    train = PACE.model_copy(update={"augment": False, "epochs": 8})
    student = fresh_toy()
    loss = distilling(name, student, alpha=0.0)
    run_fit(student, blobs, tmp_path, train, loss, teacher_logits=teacher)
    test = blobs.rows("test")
    agreement = np.corrcoef(predict_logits(student, blobs.images[test]).ravel(), teacher[test].ravel())[0, 1]
    assert agreement > 0.8


def test_norms_are_those_of_films_as_they_come(fresh_toy, blobs, tmp_path):
    changed, plain = fresh_toy(), fresh_toy()
    run_fit(changed, blobs, tmp_path / "changed")
    run_fit(plain, blobs, tmp_path / "plain", PACE.model_copy(update={"augment": False}))
    for model, counted_again in ((changed, True), (plain, False)):
        found = {name: tensor for name, tensor in weights(model).items() if "running" in name}
        recount_norms(model, films(blobs, 32, PACE.batch_size, seed=0))
        same = [
            torch.allclose(model.state_dict()[name], tensor, rtol=1e-4, atol=1e-6) for name, tensor in found.items()
        ]
        assert all(same) if counted_again else not any(same)


def test_norms_of_degraded_films_are_those_of_what_was_seen(fresh_toy, blobs, tmp_path):
    """Counted on films as they come, they would make every other sharpness a surprise."""
    train, model = PACE.model_copy(update={"augment": False, "degrade": True}), fresh_toy()
    run_fit(model, blobs, tmp_path, train)
    counted = {name: tensor for name, tensor in weights(model).items() if "running" in name}
    batches = Batches(blobs, plan(train, len(blobs.rows("train")), 32), 0, train)
    steps = range(batches.schedule.steps - batches.schedule.steps_per_epoch, batches.schedule.steps)
    recount_norms(model, (batches.at(step).images for step in steps))
    for name, tensor in counted.items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)
    recount_norms(model, films(blobs, 32, train.batch_size, seed=0))
    assert not all(torch.allclose(model.state_dict()[name], tensor, rtol=1e-3) for name, tensor in counted.items())


def test_students_of_two_seeds_have_their_teacher_answer_each_view_once(fresh_toy, blobs, tmp_path, monkeypatch):
    """And learn what they would have learned from a teacher that is asked at every step."""
    monkeypatch.setattr("cxrkd.train.asking.multiplies_bfloat16", lambda where: False)
    train, teacher, asked = PACE.model_copy(update={"degrade": True}), fresh_toy(seed=3).eval(), []
    forward = teacher.__class__.forward_features
    monkeypatch.setattr(
        teacher.__class__,
        "forward_features",
        lambda self, x: (asked.append(len(x)) if self.arch == "teacher" else None, forward(self, x))[1],
    )
    teacher.arch = "teacher"
    for seed in (0, 1):
        live, once = fresh_toy(), fresh_toy()
        loss = distilling("bkd", live)
        run_fit(live, blobs, tmp_path / f"live{seed}", train, loss, teacher=teacher, seed=seed, look=0)
        asked.clear()
        kept = {"answers_dir": tmp_path / "answers", "seed": seed, "look": 0}
        run_fit(once, blobs, tmp_path / f"once{seed}", train, distilling("bkd", once), teacher=teacher, **kept)
        assert sum(asked) == (0 if seed else 5 * 72), "four epochs, and one to count its norms"
        for name, tensor in weights(live).items():
            torch.testing.assert_close(once.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


def test_lesions_pull_the_maps_of_a_network(fresh_toy, blobs, tmp_path):
    """The blobs' own places are marked as lesions of the third label, which is about the whole background."""

    class Marked:
        def masks(self, row, size):
            mask = np.zeros((3, size, size), bool)
            mask[2, : size // 2, : size // 2] = True
            return mask

        def severity(self, row):
            return None

    def share_within(model):
        images = torch.from_numpy(blobs.images[blobs.rows("test")] / 255.0).float()[:, None]
        maps = label_maps(model, model.forward_features(images))[1][:, 2].flatten(1)
        looks = torch.softmax(maps * maps.shape[1], 1).reshape(len(images), *model.forward_features(images).shape[-2:])
        return looks[:, : looks.shape[1] // 2, : looks.shape[2] // 2].sum((1, 2)).mean().item()

    marked, pulled, left = replace(blobs, lesions=Marked()), fresh_toy(), fresh_toy()
    train = PACE.model_copy(update={"lesions": 5.0})
    _, events = run_fit(pulled, marked, tmp_path / "a", train, plain(LabelHints(lesions=5.0)))
    run_fit(left, marked, tmp_path / "b")
    assert share_within(pulled) > share_within(left) + 0.1
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert epochs[-1]["parts"]["lesions"] < epochs[0]["parts"]["lesions"]


def test_a_teacher_that_answers_changed_views_is_not_changed_itself(fresh_toy, blobs, tmp_path):
    teacher, seen, student = fresh_toy(seed=3).eval(), [], fresh_toy()
    before = weights(teacher)
    spy = Spy(distilling("bkd", student), lambda s, t, targets, parts: seen.append(t.logits))
    run_fit(student, blobs, tmp_path, loss=spy, teacher=teacher)
    assert all(torch.equal(tensor, teacher.state_dict()[name]) for name, tensor in before.items())
    batches = Batches(blobs, plan(PACE, len(blobs.rows("train")), teacher.input_size), 0, PACE)
    with torch.no_grad():
        assert not torch.allclose(teacher(batches.at(0).full), seen[0], atol=1e-2)
    recount_norms(teacher, [batches.at(step).full for step in range(batches.schedule.steps_per_epoch)])
    with torch.no_grad():
        assert torch.allclose(teacher(batches.at(0).full), seen[0], atol=5e-2)


def test_a_teacher_in_the_loop_teaches_what_its_cached_answers_teach(fresh_toy, blobs, tmp_path, monkeypatch):
    """Without augmentation both see the same pixels; dropout and order are the same, so the weights are.

    In float32: where the processor multiplies bfloat16, the answers in the loop are rounded, and the cached are not.
    """
    monkeypatch.setattr("cxrkd.train.asking.multiplies_bfloat16", lambda where: False)
    teacher, train = fresh_toy(seed=3), PACE.model_copy(update={"augment": False})
    cached, live = fresh_toy(), fresh_toy()
    loss = distilling("bkd", cached, alpha=0.0)
    logits = predict_logits(teacher, blobs.images)
    run_fit(cached, blobs, tmp_path / "cached", train, loss, teacher_logits=logits)
    before = weights(teacher)
    run_fit(live, blobs, tmp_path / "live", train, loss, teacher=teacher)
    for name, tensor in weights(cached).items():
        torch.testing.assert_close(live.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(tensor, teacher.state_dict()[name]) for name, tensor in before.items())
    saved = torch.load(tmp_path / "live" / CHECKPOINT, weights_only=True)
    assert set(saved["state_dict"]) == {f"model.{name}" for name in live.state_dict()}


def test_mixed_precision_trains_float32_weights(toy, blobs, tmp_path):
    report, _ = run_fit(toy, blobs, tmp_path, PACE.model_copy(update={"precision": "bf16-mixed", "epochs": 8}))
    assert report.val_auroc > 0.9
    assert {p.dtype for p in toy.parameters()} == {torch.float32}


def test_unknown_labels_do_not_spoil_the_weights(toy, blobs, tmp_path):
    targets = blobs.targets.copy()
    targets[np.random.default_rng(0).random(targets.shape) < 0.3] = np.nan
    targets[:, 2] = np.nan
    report, _ = run_fit(toy, replace(blobs, targets=targets), tmp_path)
    assert all(torch.isfinite(tensor).all() for tensor in toy.state_dict().values())
    assert math.isfinite(report.val_auroc)


@pytest.fixture
def half_labelled(blobs):
    """Every other training film without a label."""
    targets = blobs.targets.copy()
    targets[blobs.rows("train")[::2]] = np.nan
    return replace(blobs, targets=targets)


@pytest.mark.parametrize("name", ["paper", "bkd"])
def test_films_without_labels_teach_a_student_under_a_teacher_only(fresh_toy, blobs, half_labelled, tmp_path, name):
    """The same batches, other answers of the teacher on the unlabelled films: only the distilled student notices."""
    config, train = ObjectiveConfig.named(name), PACE.model_copy(update={"augment": False})
    unlabelled = half_labelled.rows("train")[::2]
    ends = {}
    for answer in (-4.0, 4.0):
        teacher = np.zeros((len(blobs), 3), np.float32)
        teacher[unlabelled] = answer
        for member in ("distilled", "alone"):
            student, folder = fresh_toy(), tmp_path / f"{member}{answer}"
            loss = objective(config, student) if member == "distilled" else control(config)
            run_fit(student, half_labelled, folder, train, loss, teacher_logits=teacher)
            ends[member, answer] = predict_logits(student, blobs.images[unlabelled])
    assert np.array_equal(ends["alone", -4.0], ends["alone", 4.0])
    assert ends["distilled", 4.0].mean() - ends["distilled", -4.0].mean() > 1


@pytest.mark.parametrize("name", ["paper", "bkd"])
def test_the_teacher_alone_teaches_where_no_label_is_known(fresh_toy, blobs, tmp_path, name):
    teacher = (8 * blobs.targets - 4).astype(np.float32)
    targets = blobs.targets.copy()
    targets[blobs.rows("train")] = np.nan
    student = fresh_toy()
    train = PACE.model_copy(update={"augment": False, "epochs": 8})
    report, events = run_fit(
        student,
        replace(blobs, targets=targets),
        tmp_path,
        train,
        distilling(name, student),
        teacher_logits=teacher,
    )
    assert report.val_auroc > 0.95
    epochs = [event for event in events if event["kind"] == "epoch"]
    assert {event["task"] for event in epochs} == {0.0}
    assert epochs[-1]["distill"] < epochs[0]["distill"]


def test_mixed_films_of_which_one_has_no_label_are_taught_by_the_teacher(fresh_toy, half_labelled, tmp_path):
    """A label of a mixture is known where both films' are; the teacher answers the mixture itself."""
    seen = []

    def look(student, teacher, targets, parts):
        if not seen:
            seen.append((targets, torch.autograd.grad(parts.total, student.logits, retain_graph=True)[0]))

    student, train = fresh_toy(), PACE.model_copy(update={"mixup": 0.4})
    spy = Spy(distilling("bkd", student), look)
    run_fit(student, half_labelled, tmp_path, train, spy, teacher=fresh_toy(seed=3).eval())
    ((targets, slope),) = seen
    unknown = targets.isnan()
    assert 0 < unknown.sum() < unknown.numel()
    assert (slope[unknown] != 0).all()
    assert all(torch.isfinite(tensor).all() for tensor in student.state_dict().values())


def test_films_without_labels_do_not_count_in_validation(fresh_toy, blobs, tmp_path):
    val = blobs.rows("val")
    targets, images = blobs.targets.copy(), blobs.images.copy()
    targets[val[12:]] = np.nan
    images[val[12:]] = 0
    found = run_fit(fresh_toy(), replace(blobs, targets=targets, pixels=InMemory(images, "other")), tmp_path / "a")[0]
    split = blobs.split.copy()
    split[val[12:]] = "test"
    assert found.val_auroc == run_fit(fresh_toy(), replace(blobs, split=split), tmp_path / "b")[0].val_auroc


def test_no_label_and_no_teacher_is_refused(toy, blobs, tmp_path):
    targets = blobs.targets.copy()
    targets[blobs.rows("train")] = np.nan
    with pytest.raises(DataError, match=r"none of the 72 training images has a known label.*reuse a teacher"):
        run_fit(toy, replace(blobs, targets=targets), tmp_path)


def test_a_network_tied_to_one_size_trains_at_it_and_says_so(toy, blobs, tmp_path):
    toy.backbone.trunk[-1] = nn.Identity()  # the head then fits 32 px only
    toy.backbone.head[-1] = nn.Linear(8 * 64, 3)
    report, events = run_fit(toy, blobs, tmp_path, PACE.model_copy(update={"warm_size": 32, "epochs": 1}))
    assert not [e for e in events if e["kind"] == "warning"]
    toy.input_size = 64
    toy.backbone.head[-1] = nn.Linear(8 * 256, 3)
    report, events = run_fit(toy, blobs, tmp_path / "b", PACE.model_copy(update={"epochs": 1}))
    assert {e.size for e in report.epochs} == {64}
    assert "32 px" in next(e["message"] for e in events if e["kind"] == "warning")


def test_matrices_are_decayed_and_biases_and_norms_are_not(toy, blobs, tmp_path):
    """A loss without a slope leaves the decay alone to change anything."""

    def flat(student, teacher, targets, parts):
        return replace(parts, total=parts.total * 0)

    before = {name: parameter.detach().clone() for name, parameter in toy.named_parameters()}
    run_fit(toy, blobs, tmp_path, PACE.model_copy(update={"epochs": 1, "warm_epochs": 0}), Spy(plain(), flat))
    for name, parameter in toy.named_parameters():
        kept = torch.equal(parameter, before[name])
        assert kept if parameter.ndim <= 1 else parameter.norm() < before[name].norm(), name


def test_a_steep_slope_is_clipped(toy, blobs, tmp_path):
    def steep(student, teacher, targets, parts):
        return replace(parts, total=parts.total * 1e6)

    def keep(optimizer, *_):
        slopes = [p.grad.flatten() for group in optimizer.param_groups for p in group["params"]]
        lengths.append(torch.cat(slopes).norm().item())

    lengths, hook = [], register_optimizer_step_post_hook(keep)
    pace = PACE.model_copy(update={"epochs": 1, "warm_epochs": 0, "augment": False})
    run_fit(toy, blobs, tmp_path, pace, Spy(plain(), steep))
    hook.remove()
    assert lengths == pytest.approx([1] * 6, abs=1e-3)


def test_divergence_is_an_error_with_advice(toy, blobs, tmp_path):
    def spoil(student, teacher, targets, parts):
        return replace(parts, total=parts.total * float("nan"))

    with pytest.raises(RunError, match="lower learning rate"):
        run_fit(toy, blobs, tmp_path, loss=Spy(plain(), spoil))


def test_a_cohort_without_validation_images_is_refused(toy, blobs, tmp_path):
    split = np.where(blobs.split == "val", "test", blobs.split)
    with pytest.raises(DataError, match="train and val"):
        run_fit(toy, replace(blobs, split=split), tmp_path)
