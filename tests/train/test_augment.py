import numpy as np
import torch

from cxrkd.train import augment
from cxrkd.train.augment import draw, jitter_tones, mixture, move


def amounts_for(images):
    return draw([np.random.default_rng(film) for film in range(len(images))])


def centres(images):
    """Centre of mass of each image (B, 1, H, W), in pixels from the middle: (B,) down, (B,) across."""
    at = torch.arange(images.shape[-1]) - (images.shape[-1] - 1) / 2
    mass = images.sum((1, 2, 3))
    return (images.sum((1, 3)) * at).sum(1) / mass, (images.sum((1, 2)) * at).sum(1) / mass


def test_moves_stay_within_their_bounds_and_reach_them_both_ways():
    images = torch.zeros(400, 1, 64, 64)
    images[..., 30:34, 30:34] = 1  # a spot in the middle is only shifted
    down, across = centres(move(images, amounts_for(images)))
    for offsets in (down, across):
        assert 0.95 * 3.84 < offsets.max() < 1.2 * 3.84  # 6 % of 64, up to 14 % more where the film was made smaller
        assert -1.2 * 3.84 < offsets.min() < -0.95 * 3.84
    assert not torch.allclose(down, across)


def test_turns_and_zooms_stay_within_their_bounds(monkeypatch):
    monkeypatch.setattr(augment, "MAX_SHIFT", 0)
    images = torch.zeros(400, 1, 128, 128)
    images[..., 62:66, 110:114] = 1  # 48 pixels right of the middle
    down, across = centres(move(images, amounts_for(images)))
    radius, angle = torch.hypot(down, across), torch.rad2deg(torch.atan2(down, across))
    assert 6.8 < angle.max() < 7.2
    assert -7.2 < angle.min() < -6.8
    assert 47.9 / 1.12 - 0.5 < radius.min() < 47.9 / 1.10
    assert 48.1 / 0.90 < radius.max() < 48.1 / 0.88 + 0.5


def test_edges_are_repeated_not_filled_with_black():
    images = torch.full((50, 1, 40, 40), 0.8)
    torch.testing.assert_close(move(images, amounts_for(images)), images)


def test_the_heart_keeps_its_side():
    images = torch.zeros(200, 1, 32, 32)
    images[..., 8:24, 20:28] = 1.0
    amounts = amounts_for(images)
    toned = jitter_tones(move(images, amounts), amounts)
    assert (toned[..., 16:].mean((1, 2, 3)) > toned[..., :16].mean((1, 2, 3))).all()


def test_an_unknown_target_stays_unknown_in_a_mixture():
    targets = torch.tensor([[0.0], [float("nan")], [1.0]])
    mixed = mixture(3, 0.4, np.random.default_rng(0))
    unknown = torch.tensor([row == 1 or other == 1 for row, other in enumerate(mixed.partner)])
    assert torch.equal(mixed.of(targets, targets[mixed.partner])[:, 0].isnan(), unknown)


def test_tones_stay_in_range_change_every_image_and_keep_the_order_of_greys():
    ramp = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16).repeat(100, 1, 1, 1)
    toned = jitter_tones(ramp, amounts_for(ramp))
    assert toned.min() >= 0
    assert toned.max() <= 1
    assert (toned.flatten(1).diff(dim=1) >= 0).all()
    assert ((toned - ramp).abs().amax((1, 2, 3)) > 1e-3).all()
    assert (toned - ramp).abs().max() < 0.4


def test_what_is_drawn_for_a_film_does_not_depend_on_the_others():
    alone, among = (draw([np.random.default_rng(film) for film in films]) for films in ([7], [3, 7, 9]))
    assert torch.equal(alone.moves[:, 0], among.moves[:, 1])
    assert torch.equal(alone.tones[:, 0], among.tones[:, 1])
