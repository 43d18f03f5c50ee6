import torch

from cxrkd.train.augment import jitter_tones, shift


def test_shifts_stay_within_five_percent_and_reach_it_both_ways():
    images = torch.zeros(400, 64, 64, dtype=torch.uint8)
    images[:, 32, 20] = 255
    moved = shift(images, torch.Generator().manual_seed(0))
    where = moved.flatten(1).argmax(1)
    rows, columns = where // 64 - 32, where % 64 - 20
    assert moved.dtype == torch.uint8
    for offsets in (rows, columns):
        assert (offsets.min(), offsets.max()) == (-3, 3)
    assert not torch.equal(rows, columns)


def test_edges_are_repeated_not_filled_with_black():
    images = torch.full((50, 40, 40), 200, dtype=torch.uint8)
    assert (shift(images, torch.Generator().manual_seed(0)) == 200).all()


def test_the_heart_keeps_its_side():
    images = torch.zeros(200, 1, 32, 32)
    images[..., 8:24, 20:28] = 1.0
    moved = shift(images[:, 0], torch.Generator().manual_seed(0))
    toned = jitter_tones(moved[:, None], torch.Generator().manual_seed(1))
    assert (toned[..., 16:].mean((1, 2, 3)) > toned[..., :16].mean((1, 2, 3))).all()


def test_tones_stay_in_range_change_every_image_and_keep_the_order_of_greys():
    ramp = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16).repeat(100, 1, 1, 1)
    toned = jitter_tones(ramp, torch.Generator().manual_seed(0))
    assert toned.min() >= 0
    assert toned.max() <= 1
    assert (toned.flatten(1).diff(dim=1) >= 0).all()
    assert ((toned - ramp).abs().amax((1, 2, 3)) > 1e-3).all()
    assert (toned - ramp).abs().max() < 0.35
