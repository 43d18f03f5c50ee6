"""What explainers have in common that show altered films: Score-CAM, RISE, occlusion, the sum of parts."""

import threading

import numpy as np
import pytest
import torch

from cxrkd.answers.explanation import explain, with_baselines
from cxrkd.errors import AnswerError
from cxrkd.explain.altered import BATCH
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.explainers.occlusion import OcclusionSettings
from cxrkd.explain.explainers.parts import PartsSettings
from cxrkd.explain.explainers.rise import RiseSettings
from cxrkd.explain.explainers.scorecam import ScoreCamSettings
from cxrkd.explain.steps import in_turn
from cxrkd.explain.yardsticks import Reference

SMALL = {
    "scorecam": ScoreCamSettings(n_channels=8),
    "rise": RiseSettings(n_masks=20, n_coins=4),
    "occlusion": OcclusionSettings(n_cells=5, patch=2),
    "parts": PartsSettings(n_parts=4, n_segments=9),
}
FINE = {
    "scorecam": ScoreCamSettings(),
    "rise": RiseSettings(fill="black"),
    "occlusion": OcclusionSettings(n_cells=12),
    "parts": PartsSettings(n_segments=36, fill="black"),
}


class Planted(torch.nn.Module):
    """Each channel sees a ninth of the film; two labels read one of them, for and against, and one reads nothing."""

    labels, input_size, arch, block = ("for", "against", "deaf"), 48, "planted", (1, 2)

    def __init__(self):
        super().__init__()
        self.register_buffer("ninths", torch.eye(9).view(1, 9, 3, 3).repeat_interleave(4, 2).repeat_interleave(4, 3))
        self.fc = torch.nn.Linear(9, 3)
        torch.nn.init.zeros_(self.fc.weight)
        torch.nn.init.zeros_(self.fc.bias)
        self.fc.weight.data[:2, 5] = torch.tensor([1.0, -1.0])

    def forward_features(self, x):
        return torch.nn.functional.avg_pool2d(x, 4) * self.ninths

    def forward_head(self, features):
        return self.fc(features.sum((-2, -1)))

    def forward(self, x):
        return self.forward_head(self.forward_features(x))

    def spatial(self, features):
        return features


@pytest.fixture
def spotted():
    """A dark film (48, 48) with one bright spot in the ninth that the planted network reads, and one elsewhere."""
    film = np.full((48, 48), 0.2, np.float32)
    film[20:28, 36:44] = 0.9
    film[4:12, 4:12] = 0.9
    return film


@pytest.fixture
def pixels(film):
    return film[0, 0].numpy()


def heats(method, networks, film, settings=None, **options):
    """Maps (K, h, w) by network."""
    (maps,) = EXPLAINERS[method].explain(networks, film[None], settings or SMALL[method], options.get("steps", in_turn))
    return {name: np.stack([maps.heat(name, k) for k in range(len(maps.logits[name]))]) for name in networks}


def ninth_of(cell, shape):
    row, column = np.unravel_index(cell, shape)
    return 3 * row // shape[0], 3 * column // shape[1]


@pytest.mark.parametrize("method", FINE)
def test_a_planted_patch_is_found_with_its_sign(method, spotted):
    found = heats(method, {"m": Network(Planted().eval())}, spotted, FINE[method])["m"]
    assert ninth_of(found[0].argmax(), found[0].shape) == Planted.block
    assert ninth_of(found[1].argmin(), found[1].shape) == Planted.block
    assert found[0].max() > 0 > found[1].min()
    assert found[0].max() > 3 * np.abs(found[0][: len(found[0]) // 3, : len(found[0]) // 3]).max()
    np.testing.assert_allclose(found[1], -found[0], atol=1e-5 * np.abs(found[0]).max())
    assert np.abs(found[2]).max() < 1e-5 * found[0].max()


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
@pytest.mark.parametrize("method", SMALL)
def test_every_kind_of_network_has_maps_that_differ_by_label_and_repeat(method, name, toy, pixels):
    network = Network(toy(name))
    found, again = (heats(method, {"m": network}, pixels)["m"] for _ in range(2))
    np.testing.assert_array_equal(found, again)
    assert found.dtype == np.float32
    assert (np.ptp(found, axis=(1, 2)) > 0).all()
    assert found.min() < 0 < found.max()
    scaled = found / np.abs(found).max((1, 2), keepdims=True)
    assert all(np.abs(scaled[0] - other).max() > 0.05 for other in scaled[1:])


@pytest.mark.parametrize("method", SMALL)
def test_eight_threads_on_one_model_get_the_maps_of_one_and_leave_nothing_on_it(method, toy, pixels):
    model = toy()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    films = [pixels, 1 - pixels, pixels**2]
    expected = [heats(method, {"m": Network(model)}, film)["m"] for film in films]
    start, worst = threading.Barrier(8), []

    def work():
        start.wait()
        got = [heats(method, {"m": Network(model)}, film)["m"] for film in films]
        worst.extend(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(got, expected, strict=True))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worst) == 24
    assert max(worst) < 1e-5
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("method", SMALL)
def test_a_network_in_training_mode_is_refused(method, toy, pixels):
    with pytest.raises(ValueError, match="eval mode"):
        heats(method, {"m": Network(toy().train(), lambda x: np.zeros((len(x), 5), np.float32))}, pixels)


@pytest.mark.parametrize("weights", ["centred", "softmax"])
@pytest.mark.parametrize("method", SMALL)
def test_a_label_that_was_never_taught_has_no_map_and_others_keep_theirs(method, weights, toy, pixels):
    settings = ScoreCamSettings(n_channels=8, weights=weights) if method == "scorecam" else SMALL[method]
    model = toy()
    whole = heats(method, {"m": Network(model)}, pixels, settings)["m"]
    with torch.no_grad():
        model.fc.weight[2], model.fc.bias[2] = 0, torch.nan
    (maps,) = EXPLAINERS[method].explain({"m": Network(model)}, pixels[None], settings, in_turn)
    assert (maps.heat("m", 2) == 0).all()
    assert np.isnan(maps.logits["m"][2])
    np.testing.assert_allclose(maps.heat("m", 3), whole[3], atol=1e-6 * np.abs(whole[3]).max())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("method", SMALL)
def test_answers_that_are_no_numbers_are_a_sentence(method, value, toy, pixels):
    def sometimes(x):
        logits = np.zeros((len(x), 5), np.float32)
        logits[0, 1] = value if len(x) > 1 else 0
        return logits

    with pytest.raises(AnswerError, match="m gave no number for b"):
        heats(method, {"m": Network(toy(), sometimes)}, pixels)


@pytest.mark.parametrize("method", SMALL)
def test_a_few_films_for_a_network_are_a_step_and_known_by_weights_and_settings(method, toy, pixels):
    seen = []

    def watched(steps):
        seen.append({step.key for step in steps})
        return in_turn(steps)

    model, shown = toy(), []

    def answers(x):
        shown.append(len(x))
        return model(torch.from_numpy(x)).detach().numpy()

    for key in "aab":
        heats(method, {"m": Network(model, answers, key)}, pixels, steps=watched)
    once = len(seen) // 3
    assert seen[:once] == seen[once : 2 * once]
    assert not set().union(*seen[:once]) & set().union(*seen[2 * once :])
    assert max(shown) <= BATCH
    assert sum(shown) == 3 * EXPLAINERS[method].n_images(SMALL[method])


@pytest.mark.parametrize("method", ["rise", "occlusion"])
def test_all_models_see_the_same_films_and_the_first_is_as_it_came(method, pixels, toy):
    films = {"t": [], "s": []}

    def watch(name):
        return lambda x: (films[name].append(x.copy()), np.zeros((len(x), 5), np.float32))[1]

    heats(method, {name: Network(toy(), watch(name)) for name in "ts"}, pixels)
    t, s = (np.concatenate(films[name]) for name in "ts")
    np.testing.assert_array_equal(t, s)
    np.testing.assert_array_equal(t[0, 0], pixels)
    assert t.dtype == np.float32
    assert t.min() > -1e-6
    assert t.max() < 1 + 1e-6


@pytest.mark.parametrize("method", SMALL)
def test_an_explanation_has_agreement_with_lines_that_are_named_and_survives_json(method, toy, pixels):
    import json

    networks = {"teacher": Network(toy("vit")), "alone": Network(toy()), "distilled": Network(toy(seed=3))}
    rng = np.random.default_rng(0)
    kept = {"alone": Reference(rng.normal(size=(24, 5, 6, 6)), rng.normal(size=(12, 5, 6, 6)), np.ones(5))}
    films = np.stack([pixels, 1 - pixels])
    first, second = with_baselines(
        explain(networks, films, method, SMALL[method], kept), networks, films, twin=lambda *_: pytest.fail("asked")
    )
    assert not np.array_equal(first.heat("alone", "a"), second.heat("alone", "a"))
    judged = first.agreement("alone", "a")
    assert [line.name for line in judged.lines] == ["moved", "other_film", "label_mean", "centre"]
    assert isinstance(judged.above_chance, bool)
    bare = first.agreement("distilled", "a")
    assert [bool(line.missing) for line in bare.lines] == [False, True, True, False]
    assert first.strong("alone", "a") is None, "kept are Grad-CAMs, whose units are others"
    document = json.loads(json.dumps(first.to_dict("a"), allow_nan=False))
    assert set(SMALL[method].model_dump()) < set(document)
    assert np.shape(document["members"]["alone"]["map"]) == first.heat("alone", "a").shape
