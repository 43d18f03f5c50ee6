"""The trivial model reads sharpness and coarse tones, and nothing that lies between."""

import cv2
import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from cxrkd.evaluate.trivial import N_BANDS, power_spectrum, thumbnail, trivial_logits

SIZE = 64


def noise(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(n, SIZE, SIZE), dtype=np.uint8)


def rows(n):
    return np.arange(n // 2), np.arange(n // 2, n)


def test_a_wave_stands_in_the_ring_of_its_frequency():
    for cycles in (4, 12, 28):
        wave = 127.5 + 100 * np.sin(2 * np.pi * cycles * np.arange(SIZE) / SIZE)[None] * np.ones((SIZE, 1))
        assert np.argmax(power_spectrum(np.rint(wave).astype(np.uint8))) == int(cycles / SIZE * 2 * N_BANDS)


def test_white_noise_has_the_power_of_its_variance_in_every_ring():
    # Parseval under a window: E |rfft2(x w)|^2 = var * sum(w^2), whatever the frequency.
    window = np.hanning(SIZE)[:, None] * np.hanning(SIZE)
    images = noise(64)
    expected = np.log(images.astype(float).var() / 255**2 * (window**2).sum())
    measured = np.log(np.mean([np.exp(power_spectrum(image)) for image in images], axis=0))
    np.testing.assert_allclose(measured[1:], expected, atol=0.1)  # the first ring loses the mean


def test_the_spectrum_does_not_see_brightness():
    image = noise(1)[0] // 2
    np.testing.assert_allclose(power_spectrum(image), power_spectrum(image + 100), atol=1e-9)


def test_a_thumbnail_holds_the_mean_tones():
    expected = noise(1)[0].reshape(16, 4, 16, 4).mean((1, 3)).ravel() / 255
    np.testing.assert_allclose(thumbnail(noise(1)[0]), expected, atol=1 / 255)


def test_sharpness_alone_gives_a_label_away():
    targets = np.random.default_rng(1).integers(0, 2, size=(80, 1)).astype(np.float32)
    blurred = ndimage.gaussian_filter(noise(80).astype(float), (0, 0.6, 0.6)).astype(np.uint8)
    images = np.where(targets[:, :, None] > 0, blurred, noise(80))
    fit, asked = rows(80)
    logits = trivial_logits(images, targets, fit, asked)
    assert roc_auc_score(targets[asked, 0], logits[:, 0]) == 1


def test_coarse_tones_alone_give_a_label_away():
    targets = np.random.default_rng(1).integers(0, 2, size=(80, 1)).astype(np.float32)
    images = noise(80) // 2
    images[targets[:, 0] > 0, : SIZE // 2] += 20
    fit, asked = rows(80)
    assert roc_auc_score(targets[asked, 0], trivial_logits(images, targets, fit, asked)[:, 0]) > 0.99


def test_chance_remains_chance():
    targets = np.random.default_rng(2).integers(0, 2, size=(400, 1)).astype(np.float32)
    images = np.stack([cv2.GaussianBlur(image, (9, 9), 2) for image in noise(400)])
    fit, asked = rows(400)
    auroc = roc_auc_score(targets[asked, 0], trivial_logits(images, targets, fit, asked)[:, 0])
    assert auroc == pytest.approx(0.5, abs=0.12)  # three standard errors of 200 films


def test_unknown_labels_are_left_out_and_untaught_ones_are_not_answered():
    targets = np.random.default_rng(1).integers(0, 2, size=(40, 3)).astype(np.float32)
    fit, asked = rows(40)
    targets[fit[:5], 0] = np.nan
    targets[fit, 1] = 0
    targets[fit, 2] = np.nan
    logits = trivial_logits(noise(40), targets, fit, asked)
    assert logits.shape == (20, 3)
    assert np.isfinite(logits[:, 0]).all()
    assert np.isnan(logits[:, 1:]).all()
    without = trivial_logits(noise(40)[5:], targets[5:], rows(40)[0][:15], np.arange(15, 35))
    np.testing.assert_allclose(logits[:, 0], without[:, 0], rtol=1e-5)


def test_progress_is_told_for_every_film():
    told = []
    fit, asked = rows(8)
    trivial_logits(noise(8), np.tile([[0.0], [1.0]], (4, 1)), fit, asked, lambda done, of: told.append((done, of)))
    assert told == [(n, 8) for n in range(1, 9)]
