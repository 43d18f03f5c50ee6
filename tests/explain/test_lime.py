import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from scipy.special import expit

from cxrkd.errors import ConfigError
from cxrkd.explain.lime import lime
from cxrkd.explain.segments import antithetic_masks, superpixels
from cxrkd.explain.similarity import spearman
from cxrkd.explain.steps import in_turn


@pytest.fixture
def pixels(film):
    return 0.1 + 0.8 * film[0, 0].numpy()


@pytest.fixture
def linear(pixels):
    """A model that is linear in what it sees of each superpixel, and its true weights (K, S)."""
    segments = superpixels(pixels, 16)
    n = segments.max() + 1
    rng = np.random.default_rng(0)
    truth = np.stack([rng.permutation(np.linspace(-1, 1, n)) for _ in range(3)])
    area = np.bincount(segments.ravel(), minlength=n)

    def predict(x):
        seen = np.stack([np.bincount(segments.ravel(), (i[0] == pixels).ravel(), n) for i in x]) / area
        return (seen @ truth.T - 2).astype(np.float32)

    return predict, truth


def test_a_linear_model_is_recovered(pixels, linear):
    predict, truth = linear
    result = lime({"m": predict}, pixels, n_samples=1000, n_segments=16, fill="black")
    np.testing.assert_array_equal(np.argsort(result.weights["m"]), np.argsort(truth))
    np.testing.assert_allclose(result.weights["m"], truth, atol=0.05)
    assert (result.r2["m"] > 0.999).all()
    assert (result.stability("m") > 0.99).all()
    np.testing.assert_allclose(result.logits["m"], truth.sum(1) - 2, atol=1e-5)


def test_every_superpixel_is_hidden_sometimes_and_zero_gets_its_weight(pixels):
    segments, shown = superpixels(pixels, 16), []

    def only_zero(x):
        shown.append((x[:, 0] == pixels)[:, segments == 0].all(1))
        return shown[-1][:, None].astype(np.float32)

    result = lime({"m": only_zero}, pixels, n_segments=16, fill="black")
    assert 0.4 < np.concatenate(shown).mean() < 0.6
    assert result.weights["m"][0].argmax() == 0
    assert result.weights["m"][0, 0] == pytest.approx(1, abs=0.05)
    assert np.abs(result.weights["m"][0, 1:]).max() < 0.05


def test_equals_the_lime_package_on_the_same_masks(pixels, linear):
    predict, _ = linear
    segments = superpixels(pixels, 16)
    result = lime({"m": predict}, pixels, n_samples=81, n_segments=16, seed=3, fill="mean", space="prob")

    class GivenMasks(np.random.RandomState):
        def randint(self, low, high=None, size=None):
            return antithetic_masks(81, segments.max() + 1, 3).astype(int).ravel() if size else 0

    def predict_rgb(images):
        return expit(predict(images[:, None, :, :, 0].astype(np.float32)))

    oracle = LimeImageExplainer(random_state=GivenMasks(0)).explain_instance(
        pixels, predict_rgb, labels=range(3), top_labels=None, num_samples=81, segmentation_fn=lambda _: segments
    )
    for k in range(3):
        weights = np.array([w for _, w in sorted(oracle.local_exp[k])])
        np.testing.assert_allclose(result.weights["m"][k], weights, atol=1e-5)
        assert result.intercept["m"][k] == pytest.approx(oracle.intercept[k], abs=1e-5)
    assert result.r2["m"][2] == pytest.approx(oracle.score, abs=1e-5)


def test_the_same_seed_gives_the_same_result_whatever_the_batch(pixels, linear):
    predict, _ = linear
    a = lime({"m": predict}, pixels, n_samples=60, n_segments=16, seed=1, batch_size=32)
    b = lime({"m": predict}, pixels, n_samples=60, n_segments=16, seed=1, batch_size=7)
    other = lime({"m": predict}, pixels, n_samples=60, n_segments=16, seed=2)
    np.testing.assert_array_equal(a.weights["m"], b.weights["m"])
    assert not np.array_equal(a.weights["m"], other.weights["m"])


def test_all_models_see_the_same_images(pixels, linear):
    predict, _ = linear
    seen = {"t": [], "s": []}

    def watch(name):
        return lambda x: (seen[name].append(x.copy()), predict(x))[1]

    result = lime({"t": watch("t"), "s": watch("s")}, pixels, n_samples=40, n_segments=16)
    np.testing.assert_array_equal(np.concatenate(seen["t"]), np.concatenate(seen["s"]))
    assert sum(map(len, seen["t"])) == 40
    np.testing.assert_array_equal(seen["t"][0][0, 0], pixels)
    np.testing.assert_array_equal(result.weights["t"], result.weights["s"])


def test_probabilities_of_a_rare_label_are_flat_where_logits_are_not(pixels, linear):
    predict, truth = linear

    def rare(x):
        return predict(x) - 5

    logit = lime({"m": rare}, pixels, n_samples=400, n_segments=16, fill="black").weights["m"]
    prob = lime({"m": rare}, pixels, n_samples=400, n_segments=16, fill="black", space="prob").weights["m"]
    assert np.abs(prob).max() < 0.02 < 0.9 < np.abs(logit).max()
    assert (spearman(logit, truth) > 0.99).all()


def test_heat_paints_weights_on_their_superpixels(pixels, linear):
    result = lime({"m": linear[0]}, pixels, n_samples=40, n_segments=16)
    heat = result.heat("m", 1)
    assert heat.shape == pixels.shape
    assert heat.dtype == np.float32
    for s in range(result.segments.max() + 1):
        assert (heat[result.segments == s] == result.weights["m"][1, s]).all()


def test_a_batch_for_a_model_is_a_step(pixels, linear):
    keys = []

    def watched(steps):
        keys.extend(step.key for step in steps)
        return in_turn(steps)

    lime({"t": linear[0], "s": linear[0]}, pixels, n_samples=40, n_segments=9, batch_size=16, steps=watched)
    assert keys == [(batch, name) for batch in range(3) for name in "ts"]


def test_errors(pixels, linear):
    predicts = {"m": linear[0]}
    with pytest.raises(ConfigError, match="at least one model"):
        lime({}, pixels)
    with pytest.raises(ConfigError, match="at least 16 samples, got 3"):
        lime(predicts, pixels, n_samples=3)
    with pytest.raises(ConfigError, match="'odds'"):
        lime(predicts, pixels, space="odds")
    with pytest.raises(ConfigError, match="'grey'"):
        lime(predicts, pixels, fill="grey")
    with pytest.raises(ValueError, match="grey pixels"):
        lime(predicts, pixels[None])
