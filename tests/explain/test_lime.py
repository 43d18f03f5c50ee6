from itertools import pairwise

import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from scipy.special import expit

from cxrkd.errors import ConfigError
from cxrkd.explain.designs import block, block_size
from cxrkd.explain.lime import FILM, first_round, lime, next_round
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.segments import superpixels
from cxrkd.explain.similarity import spearman
from cxrkd.explain.steps import in_turn
from cxrkd.explain.surrogate import proximity, weighted_ridge


def asked(**given):
    return LimeSettings(**{"n_segments": 16, "fill": "black", "stability": 0.99} | given)


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


@pytest.fixture
def curved(linear):
    """The same plus what no linear model can say: a number that hangs on the whole image, from -1 to 1."""
    predict, _ = linear

    def noisy(x):
        return predict(x) + 0.9 * np.sin(1e4 * x.mean((1, 2, 3), dtype=np.float64))[:, None].astype(np.float32)

    return noisy


def test_a_linear_model_is_recovered(pixels, linear):
    predict, truth = linear
    result = lime({"m": predict}, pixels, asked(n_samples=1000, stability=0.9999))
    np.testing.assert_array_equal(np.argsort(result.weights["m"]), np.argsort(truth))
    np.testing.assert_allclose(result.weights["m"], truth, atol=0.15)
    np.testing.assert_allclose(result.weights["m"], truth * (result.weights["m"] / truth).mean(), atol=0.02)
    assert (result.r2["m"] > 0.98).all()
    assert (result.stability["m"] > 0.99).all()
    np.testing.assert_allclose(result.logits["m"], truth.sum(1) - 2, atol=1e-5)


def test_two_rounds_are_enough_for_a_linear_model_and_it_says_so(pixels, linear):
    known = lime({"m": linear[0]}, pixels, asked())
    assert known.n_rounds("m") == 2
    assert known.standing().enough
    assert "Stable: after" in known.standing().sentence()


def test_rounds_go_on_until_the_target_is_reached_and_two_seeds_do_agree(pixels, curved):
    found = [lime({"m": curved}, pixels, asked(stability=0.9, n_samples=3000, seed=seed)) for seed in range(6)]
    assert all(one.standing().enough and one.n_rounds("m") > 2 for one in found), "two rounds do not do for this one"
    between = [spearman(a.weights["m"], b.weights["m"]) for a, b in pairwise(found)]
    assert np.mean(between) > 0.9 - 0.03
    longer = lime({"m": curved}, pixels, asked(stability=0.97, n_samples=9000))
    assert longer.n_samples > found[0].n_samples


def test_at_the_ceiling_it_stops_and_says_that_it_is_not_stable(pixels, curved):
    known = lime({"m": curved}, pixels, asked(stability=0.999, n_samples=150))
    standing = known.standing()
    assert known.n_samples <= 150 < known.n_samples + known.sampling.size
    assert standing.over
    assert not standing.enough
    assert standing.reached == pytest.approx(np.nanmin(known.stability["m"]))
    assert standing.sentence().startswith(
        f"Not stable: after {known.n_samples} altered films per model, of at most 150"
    )


def test_only_the_labels_that_are_asked_have_to_be_stable(pixels, linear):
    predict, _ = linear

    def one_is_noise(x):
        logits = predict(x)
        logits[:, 2] = np.sin(1e5 * x.mean((1, 2, 3), dtype=np.float64))
        return logits

    some = lime({"m": one_is_noise}, pixels, asked(n_samples=200), labels=[0, 1])
    every = lime({"m": one_is_noise}, pixels, asked(n_samples=200))
    assert some.n_rounds("m") == 2
    assert some.standing([0, 1]).enough
    assert not some.standing().over
    assert every.n_samples > 2 * some.n_samples - 2
    assert not every.standing().enough


def test_a_model_that_is_stable_is_asked_no_more(pixels, linear, curved):
    shown = {"t": 0, "s": 0}

    def counting(name, predict):
        def predicted(x):
            shown[name] += len(x)
            return predict(x)

        return predicted

    asked_both = asked(stability=0.9, n_samples=3000)
    both = lime({"t": counting("t", linear[0]), "s": counting("s", curved)}, pixels, asked_both)
    assert both.standing().enough
    assert both.n_rounds("t") == 2 < both.n_rounds("s")
    assert shown == {"t": len(both.answers["t"]), "s": len(both.answers["s"])}
    for name, predict in (("t", linear[0]), ("s", curved)):
        alone = lime({name: predict}, pixels, asked_both)
        np.testing.assert_array_equal(both.weights[name], alone.weights[name])
        np.testing.assert_array_equal(both.halves[name], alone.halves[name])


def test_rounds_together_equal_one_regression_on_all_their_masks(pixels, curved):
    known = first_round({"m": curved}, pixels, asked(n_samples=500))
    assert np.isnan(known.stability["m"]).all()
    assert np.isnan(known.halves["m"]).all()
    for n in (2, 3):
        known = next_round(known, {"m": curved}, pixels)
        assert known.n_rounds("m") == n
    n_segments = known.segments.max() + 1
    masks = np.concatenate([np.ones((1, n_segments), bool), *(block(n_segments, 0, i) for i in range(3))])
    images = np.where(masks[:, known.segments], pixels, 0)[:, None].astype(np.float32)
    at_once = weighted_ridge(masks, curved(images), proximity(masks))
    np.testing.assert_allclose(known.weights["m"], at_once.weights, atol=1e-6)
    np.testing.assert_allclose(known.r2["m"], at_once.r2, atol=1e-6)


def test_a_round_that_is_broken_off_leaves_the_last_one_as_it_was(pixels, curved):
    known = next_round(first_round({"m": curved}, pixels, asked()), {"m": curved}, pixels)
    before = known.weights["m"].copy()

    def broken(steps):
        in_turn(steps[:1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next_round(known, {"m": curved}, pixels, steps=broken)
    np.testing.assert_array_equal(known.weights["m"], before)
    more = next_round(known, {"m": curved}, pixels)
    at_once = lime({"m": curved}, pixels, asked(n_samples=more.n_samples, stability=0.9999))
    np.testing.assert_array_equal(more.weights["m"], at_once.weights["m"])


def test_an_output_that_never_changes_is_no_reason_to_go_on(pixels):
    known = lime({"m": lambda x: np.zeros((len(x), 2), np.float32)}, pixels, asked())
    assert known.n_rounds("m") == 2
    assert known.standing().enough
    assert np.isnan(known.standing().reached)


def test_every_superpixel_is_hidden_sometimes_and_zero_gets_its_weight(pixels):
    segments, shown = superpixels(pixels, 16), []

    def only_zero(x):
        shown.append((x[:, 0] == pixels)[:, segments == 0].all(1))
        return shown[-1][:, None].astype(np.float32)

    result = lime({"m": only_zero}, pixels, asked(stability=0.5))
    assert 0.4 < np.concatenate(shown).mean() < 0.6
    assert result.weights["m"][0].argmax() == 0
    assert result.weights["m"][0, 0] == pytest.approx(1, abs=0.15)
    assert np.abs(result.weights["m"][0, 1:]).max() < 0.05


def test_equals_the_lime_package_on_the_same_masks(pixels, linear):
    predict, _ = linear
    segments = superpixels(pixels, 16)
    n_segments = segments.max() + 1
    size = block_size(n_segments)
    result = lime({"m": predict}, pixels, asked(n_samples=2 * size + 1, seed=3, fill="mean"), space="prob")
    masks = np.concatenate([np.ones((1, n_segments), bool), *(block(n_segments, 3, i) for i in range(2))])

    class GivenMasks(np.random.RandomState):
        def randint(self, low, high=None, size=None):
            return masks.astype(int).ravel() if size else 0

    def predict_rgb(images):
        return expit(predict(images[:, None, :, :, 0].astype(np.float32)))

    oracle = LimeImageExplainer(random_state=GivenMasks(0)).explain_instance(
        pixels,
        predict_rgb,
        labels=range(3),
        top_labels=None,
        num_samples=len(masks),
        segmentation_fn=lambda _: segments,
    )
    for k in range(3):
        weights = np.array([w for _, w in sorted(oracle.local_exp[k])])
        np.testing.assert_allclose(result.weights["m"][k], weights, atol=1e-5)
        assert result.intercept["m"][k] == pytest.approx(oracle.intercept[k], abs=1e-5)
    assert result.r2["m"][2] == pytest.approx(oracle.score, abs=1e-5)


def test_the_same_seed_gives_the_same_result(pixels, linear):
    predict, _ = linear
    a, b, other = (lime({"m": predict}, pixels, asked(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.weights["m"], b.weights["m"])
    assert not np.array_equal(a.weights["m"], other.weights["m"])


def test_all_models_see_the_same_images(pixels, linear):
    predict, _ = linear
    seen = {"t": [], "s": []}

    def watch(name):
        return lambda x: (seen[name].append(x.copy()), predict(x))[1]

    result = lime({"t": watch("t"), "s": watch("s")}, pixels, asked(n_samples=40))
    np.testing.assert_array_equal(np.concatenate(seen["t"]), np.concatenate(seen["s"]))
    assert sum(map(len, seen["t"])) == result.n_samples <= 40
    np.testing.assert_array_equal(seen["t"][0][0, 0], pixels)
    np.testing.assert_array_equal(result.weights["t"], result.weights["s"])


def test_probabilities_of_a_rare_label_are_flat_where_logits_are_not(pixels, linear):
    predict, truth = linear

    def rare(x):
        return predict(x) - 5

    logit = lime({"m": rare}, pixels, asked()).weights["m"]
    prob = lime({"m": rare}, pixels, asked(), space="prob").weights["m"]
    assert np.abs(prob).max() < 0.02 < 0.8 < np.abs(logit).max()
    assert (spearman(logit, truth) > 0.99).all()


def test_heat_paints_weights_on_their_superpixels(pixels, linear):
    result = lime({"m": linear[0]}, pixels, asked(n_samples=40))
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

    known = first_round({"t": linear[0], "s": linear[0]}, pixels, asked(n_samples=500), steps=watched)
    starts = range(0, known.sampling.size, 8)
    assert keys == [((0, start), name) for start in (FILM, *starts) for name in "ts"]
    keys.clear()
    next_round(known, {"t": linear[0], "s": linear[0]}, pixels, steps=watched)
    assert {key[0][0] for key in keys} == {1}


@pytest.mark.parametrize("n_samples", [16, 17, 40, 65, 100, 1000])
def test_never_more_than_the_most_and_always_two_rounds(pixels, linear, n_samples):
    known = lime({"m": linear[0]}, pixels, asked(n_samples=n_samples, stability=0.1))
    assert known.n_rounds("m") >= 2
    assert known.n_samples <= n_samples
    assert known.sampling.size % 2 == 0


def test_errors(pixels, linear):
    predicts = {"m": linear[0]}
    with pytest.raises(ConfigError, match="at least one model"):
        lime({}, pixels, asked())
    with pytest.raises(ConfigError, match="'odds'"):
        lime(predicts, pixels, asked(), space="odds")
    with pytest.raises(ValueError, match="grey pixels"):
        lime(predicts, pixels[None], asked())
