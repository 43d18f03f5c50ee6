import cv2
import numpy as np
import pytest

from cxrkd.evaluate.trivial import power_spectrum
from cxrkd.train.degrade import degraded


def film(seed, side=224):
    """Smooth structures and a fine grain, as a radiograph has them."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.random((14, 14), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(0.2 + 0.6 * coarse + 0.01 * rng.standard_normal((side, side)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("side", [32, 224, 320])
def test_a_film_keeps_its_place_its_type_and_its_range(side):
    was = film(0, side)
    for seed in range(40):
        now = degraded(was, np.random.default_rng(seed))
        assert (now.shape, now.dtype) == (was.shape, np.float32)
        assert 0 <= now.min() <= now.max() <= 1
        assert np.corrcoef(cv2.blur(was, (9, 9)).ravel(), cv2.blur(now, (9, 9)).ravel())[0, 1] > 0.9
    assert np.array_equal(was, film(0, side)), "the film itself is left alone"


def test_the_same_generator_gives_the_same_film():
    first, second, other = (degraded(film(0), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_sharpness_no_longer_tells_two_sources_apart():
    """Films of one source are sharp, of the other soft: their spectra part them at once, and hardly afterwards."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    soft = [cv2.GaussianBlur(film(seed), (0, 0), 0.7) for seed in range(100, 200)]
    films, source = [film(seed) for seed in range(100)] + soft, np.repeat([0, 1], 100)
    test = np.arange(200) % 2 == 0

    def told_apart(images):
        spectra = np.array([power_spectrum((image * 255).round().astype(np.uint8)) for image in images])
        spectra = (spectra - spectra.mean(0)) / spectra.std(0)
        model = LogisticRegression(C=0.1, max_iter=1000).fit(spectra[~test], source[~test])
        return roc_auc_score(source[test], model.decision_function(spectra[test]))

    assert told_apart(films) > 0.99
    assert told_apart([degraded(image, np.random.default_rng(seed)) for seed, image in enumerate(films)]) < 0.75
