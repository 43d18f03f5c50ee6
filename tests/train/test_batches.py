from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from cxrkd.config import TrainConfig
from cxrkd.data.pixels import InMemory
from cxrkd.images.resizing import resized
from cxrkd.train import augment
from cxrkd.train.batches import Batches, to_unit
from cxrkd.train.ranks import Share, interleaved
from cxrkd.train.schedule import Schedule

SCHEDULE = Schedule((16, 32), steps_per_epoch=6, batch_size=12)
JITTERED = TrainConfig(augment=True)


@pytest.fixture
def batches(blobs):
    logits_t = np.arange(len(blobs) * 3, dtype=np.float32).reshape(-1, 3)
    return Batches(blobs, SCHEDULE, 0, JITTERED, logits_t)


def test_an_epoch_shows_every_training_image_once_and_no_other(batches, blobs):
    seen = np.concatenate([batches.rows(step) for step in range(6)])
    assert sorted(seen) == list(blobs.rows("train"))
    assert (np.diff(batches.rows(0)) > 0).all(), "read in order"


def test_orders_differ_between_epochs_and_seeds_and_repeat_for_the_same(batches, blobs):
    other = Batches(blobs, SCHEDULE, 1, JITTERED)
    again = Batches(blobs, SCHEDULE, 0, JITTERED)
    assert not np.array_equal(batches.rows(0), batches.rows(6))
    assert not np.array_equal(batches.rows(0), other.rows(0))
    assert np.array_equal(batches.rows(7), again.rows(7))
    assert torch.equal(batches.at(7).images, again.at(7).images)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("step", [2, 8])
def test_a_gpu_sees_the_views_of_the_processor(blobs, step):
    train = TrainConfig(augment=True, mixup=0.4)
    here, there = (Batches(blobs, SCHEDULE, 0, train, device=torch.device(name)).at(step) for name in ("cpu", "cuda"))
    assert there.images.is_cuda
    torch.testing.assert_close(there.to(torch.device("cpu")).images, here.images, atol=1e-4, rtol=0)


def test_a_film_is_changed_anew_in_every_epoch(blobs):
    """Two batches of the whole split in the same order: only what is drawn for the epoch differs."""
    n = len(blobs.rows("train"))
    batches = Batches(blobs, Schedule((32, 32), steps_per_epoch=1, batch_size=n), 0, JITTERED)
    first, second = batches.at(0), batches.at(1)
    assert torch.equal(first.targets, second.targets)
    assert ((first.images - second.images).abs().amax((1, 2, 3)) > 1e-2).all()


@pytest.mark.parametrize("changes", [{"augment": True}, {"degrade": True}, {"augment": True, "degrade": True}])
def test_trainings_of_one_look_see_the_same_views_in_orders_of_their_own(blobs, changes):
    """So that a teacher can answer each view once."""
    train = TrainConfig(**changes)
    views = {}
    for seed, look in ((0, 5), (1, 5), (1, 6)):
        batches = Batches(blobs, SCHEDULE, seed, train, look=look)
        epoch = [batches.at(step) for step in range(6, 12)]
        assert {batch.epoch for batch in epoch} == {1}
        views[seed, look] = {row: view for batch in epoch for row, view in zip(batch.rows, batch.full, strict=True)}
    assert all(torch.equal(views[0, 5][row], views[1, 5][row]) for row in views[0, 5])
    assert not any(torch.equal(views[1, 6][row], views[1, 5][row]) for row in list(views[0, 5])[:5])


def test_a_fingerprint_names_the_views_and_by_how_much_films_are_changed(blobs, monkeypatch):
    def of(look=0, **changes):
        return Batches(blobs, SCHEDULE, 0, TrainConfig(**changes), look=look).fingerprint()

    moved = of(augment=True)
    assert moved == of(augment=True)
    assert len({moved, of(), of(degrade=True), of(look=1, augment=True)}) == 4
    monkeypatch.setattr(augment, "MAX_TURN", 0.1)
    assert of(augment=True) != moved, "a teacher's kept answers would be about other views"


def test_degrading_changes_the_films_and_stays_in_range(blobs):
    plain, rough = (Batches(blobs, SCHEDULE, 0, TrainConfig(degrade=on)).at(7) for on in (False, True))
    assert torch.equal(plain.targets, rough.targets)
    assert not torch.equal(plain.images, rough.images)
    assert 0 <= rough.images.min() <= rough.images.max() <= 1
    assert rough.images.dtype == torch.float32


def test_marks_move_with_their_films(blobs):
    """A bright lesion on a black film: the mark must cover it wherever the film was moved to."""
    n, side = 12, 224
    films, masks = np.zeros((len(blobs), side, side), np.uint8), np.zeros((side, side), bool)
    masks[60:100, 120:180] = True
    films[:, masks] = 255

    class Marked:
        def masks(self, row, size):
            reduced = cv2.resize(masks.astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA) > 0
            return np.stack([reduced, np.zeros_like(reduced), reduced])

    targets = np.tile(np.float32([1, 1, 0]), (len(blobs), 1))
    cohort = replace(blobs, pixels=InMemory(films, "marked"), targets=targets, lesions=Marked())
    batch = Batches(cohort, Schedule((side,), 1, n), 0, TrainConfig(augment=True, lesions=1.0)).at(0)
    assert batch.marks.films.tolist() == list(range(n)), "the third label is marked but absent, the second not marked"
    assert set(batch.marks.labels.tolist()) == {0}
    bright = torch.nn.functional.adaptive_avg_pool2d(batch.full, 56)[:, 0]
    bright = (bright - bright.amin((1, 2), keepdim=True)) / (bright.amax((1, 2)) - bright.amin((1, 2)))[:, None, None]
    assert (batch.marks.covered - bright).abs().mean() < 0.01
    assert batch.marks.covered.sum() > 0


def test_nobody_asks_for_lesions_that_nobody_learns_from(blobs):
    assert Batches(blobs, SCHEDULE, 0, TrainConfig()).at(0).marks is None
    none = Batches(blobs, SCHEDULE, 0, TrainConfig(lesions=1.0)).at(0).marks  # a data set without any
    assert none.covered.shape == (0, 56, 56)


def test_targets_and_teacher_belong_to_the_images(batches, blobs):
    rows, batch = batches.rows(8), batches.at(8)
    assert np.array_equal(batch.targets.numpy(), blobs.targets[rows])
    assert np.array_equal(batch.logits_t.numpy()[:, 0], 3 * rows)


def test_sizes_follow_the_schedule_and_pixels_are_untouched_without_augmentation(blobs):
    plain = Batches(blobs, SCHEDULE, 0, TrainConfig())
    assert plain.at(0).images.shape == (12, 1, 16, 16)
    assert plain.at(0).logits_t is None
    expected = blobs.images[plain.rows(6)] / 255.0
    assert np.allclose(plain.at(6).images.numpy()[:, 0], expected, atol=1e-6)


def test_full_views_are_those_of_the_step_before_shrinking(batches):
    early = batches.at(2)
    assert (early.images.shape, early.full.shape) == ((12, 1, 16, 16), (12, 1, 32, 32))
    np.testing.assert_allclose(early.images[:, 0], resized(early.full[:, 0].numpy(), 16))
    late = batches.at(7)
    assert torch.equal(late.images, late.full)


def test_mixup_mixes_images_and_targets_by_the_same_share(blobs):
    plain, mixed = (Batches(blobs, SCHEDULE, 0, TrainConfig(mixup=beta)).at(7) for beta in (0.0, 0.4))
    rng = np.random.default_rng((0, 7))
    share, partner = rng.beta(0.4, 0.4), rng.permutation(12)
    for got, was in ((mixed.images, plain.images), (mixed.targets, plain.targets)):
        torch.testing.assert_close(got, share * was + (1 - share) * was[partner])
    assert torch.equal(mixed.images, Batches(blobs, SCHEDULE, 0, TrainConfig(mixup=0.4)).at(7).images)


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "changes", [{}, {"augment": True}, {"mixup": 0.4}, {"augment": True, "mixup": 0.4}, {"degrade": True}]
)
def test_the_shares_of_several_processes_are_the_batch_of_one(blobs, world, changes):
    """Also where the batch of 12 does not divide evenly, and where the partner of a mixture is another one's film."""
    logits_t = np.arange(len(blobs) * 3, dtype=np.float32).reshape(-1, 3)
    whole, *shares = (
        Batches(blobs, SCHEDULE, 0, TrainConfig(**changes), logits_t, share=share).at(4)
        for share in (Share(), *(Share(rank, world) for rank in range(world)))
    )
    for name in ("images", "full", "targets", "logits_t"):
        together = torch.empty_like(getattr(whole, name))
        for rank, part in enumerate(shares):
            together[rank::world] = getattr(part, name)
        assert torch.equal(together, getattr(whole, name)), name


def test_a_process_reads_its_share_only(blobs):
    read = []

    class Counted:
        def __len__(self):
            return len(blobs)

        def __getitem__(self, rows):
            read.extend(rows)
            return blobs.images[rows]

    batches = Batches(replace(blobs, pixels=InMemory(Counted(), "counted")), SCHEDULE, 0, JITTERED, share=Share(1, 3))
    batches.at(0)
    assert read == list(batches.rows(0)[1::3])


@pytest.mark.parametrize(("world", "n"), [(1, 7), (2, 7), (2, 8), (3, 7), (3, 8), (3, 2)])
def test_answers_of_several_processes_come_back_in_order_and_none_twice(world, n):
    answers = torch.randn(n, 3)
    shares = [Share(rank, world) for rank in range(world)]
    parts = [share.padded(answers[share.of(np.arange(n))], n) for share in shares]
    assert len({part.shape for part in parts}) == 1
    assert torch.equal(interleaved(parts, n), answers)


def test_shrinking_averages_and_keeps_the_type():
    board = np.indices((64, 64)).sum(0) % 2 * 255  # picking pixels would give black or white
    small = resized(board[None].astype(np.uint8), 32)
    assert small.dtype == np.uint8
    assert np.abs(small.astype(int) - 127.5).max() <= 0.5
    smooth = np.random.default_rng(0).random((2, 48, 48), np.float32)
    assert np.array_equal(resized(smooth, 20)[1], cv2.resize(smooth[1], (20, 20), interpolation=cv2.INTER_AREA))
    assert resized(smooth, 48) is smooth


def test_unit_range():
    assert to_unit(np.array([[[0, 255]]], np.uint8)).tolist() == [[[[0.0, 1.0]]]]
    assert to_unit(np.array([[[0.25, 0.5]]])).tolist() == [[[[0.25, 0.5]]]]
