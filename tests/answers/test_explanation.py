"""Maps of several networks and what their agreement is held against, film by film and many at once."""

import json

import numpy as np
import pytest
import torch

from cxrkd.answers.explanation import explain, outside, strong_evidence, with_baselines
from cxrkd.errors import ConfigError
from cxrkd.explain.agreement import agreement
from cxrkd.explain.baselines import NOISE, random_twin
from cxrkd.explain.cam import grad_cam
from cxrkd.explain.cam_family import cams
from cxrkd.explain.explainer import EXPLAINERS, GRADIENTS, Explainer, GridMaps, Network
from cxrkd.explain.lime_settings import LimeSettings
from cxrkd.explain.steps import in_turn
from cxrkd.explain.yardsticks import Baselines, Reference
from cxrkd.models.zoo import build

LABELS = ("Mass", "Edema", "Hernia")
ARCHS = {"teacher": "resnet18", "alone": "mobilenetv3_small_100", "distilled": "mobilenetv3_small_100"}


@pytest.fixture
def film():
    return np.random.default_rng(0).random((32, 32), np.float32)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {member: build(arch, LABELS, 32).eval() for member, arch in ARCHS.items()}


@pytest.fixture(scope="module")
def networks(models):
    return {member: Network(model) for member, model in models.items()}


def explained(networks, film, *words, **options):
    return with_baselines(explain(networks, film[None], *words, **options), networks, film[None])[0]


@pytest.mark.parametrize("method", list(cams()))
def test_maps_are_those_of_grad_cam(models, networks, film, method):
    x = torch.from_numpy(film)[None, None]
    (found,) = explain(networks, film[None], method)
    for member, model in models.items():
        expected = grad_cam(model, x, method)
        np.testing.assert_array_equal(found.heat(member, "Edema"), expected.cams[1])
        np.testing.assert_allclose(found.probs[member], 1 / (1 + np.exp(-expected.logits.astype(float))))
    assert (found.method, found.labels, found.members) == (method, LABELS, tuple(ARCHS))


def test_maps_can_be_drawn_before_agreement_is_known(networks, film):
    (found,) = explain(networks, film[None])
    assert found.heat("alone", "Mass").shape == (1, 1)
    assert found.agreement("alone", "Mass") is None
    assert with_baselines([found], networks, film[None])[0].agreement("alone", "Mass") is not None


def test_films_at_once_have_the_figures_of_each(networks):
    """More films than one batch holds."""
    films = np.random.default_rng(1).random((9, 64, 64), np.float32)
    together = with_baselines(explain(networks, films, "layercam"), networks, films)
    assert len(together) == 9
    for film, found in list(zip(films, together, strict=True))[::4]:
        single = explained(networks, film, "layercam")
        for label in LABELS:
            np.testing.assert_allclose(
                found.heat("teacher", label), single.heat("teacher", label), rtol=1e-4, atol=1e-7
            )
            one, other = (e.agreement("alone", label) for e in (found, single))
            assert one.spearman == pytest.approx(other.spearman, abs=1e-6, nan_ok=True)
            assert one.ceiling_spearman == pytest.approx(other.ceiling_spearman, abs=1e-6, nan_ok=True)
            assert [line.high for line in one.lines] == pytest.approx([line.high for line in other.lines], nan_ok=True)


def test_agreement_is_that_of_maps_made_one_by_one(models, networks, film):
    """Noise and random students as they have been since the first run that shipped."""
    x = torch.from_numpy(film)[None, None]
    noise = torch.randn((4, 1, 32, 32), generator=torch.Generator().manual_seed(0)) * NOISE
    noisy = [grad_cam(models["teacher"], copy[None]).cams for copy in (x + noise).clamp(0, 1)[0:4].view(4, 1, 32, 32)]
    random = [grad_cam(random_twin(models["distilled"], seed), x).cams for seed in (0, 1)]
    maps = [grad_cam(models[member], x).cams for member in ("teacher", "distilled")]
    expected = agreement(*maps, 2, Baselines(np.stack(noisy), np.stack(random))).to_dict()
    found = explained(networks, film)
    told = found.agreement("distilled", "Hernia").to_dict()
    assert json.dumps(told) == json.dumps(expected)
    assert found.agreement("teacher", "Hernia") is None


def test_without_a_teacher_there_is_no_agreement(networks, film):
    found = explained({"alone": networks["alone"]}, film)
    assert found.agreement("alone", "Mass") is None
    assert found.to_dict("Mass")["members"]["alone"]["agreement_with_teacher"] is None


def test_networks_of_different_labels_are_not_compared(networks, film):
    stranger = Network(build("resnet18", ["Mass"], 32).eval())
    with pytest.raises(ConfigError, match="same labels"):
        explain({"teacher": networks["teacher"], "alone": stranger}, film[None])


def test_an_unknown_explainer_is_a_sentence_with_those_there_are(networks, film):
    with pytest.raises(ConfigError, match=r"Unknown explainer 'gradcan'.*lime.*Did you mean gradcam"):
        explain(networks, film[None], "gradcan")


def bright(x):
    """Logit k is the mean of the image's left half times k: LIME must find the left half and nothing else."""
    left = x[:, 0, :, : x.shape[-1] // 2].mean((1, 2))
    return np.stack([left * k for k in range(3)], 1).astype(np.float32)


def test_lime_of_all_members_shares_its_superpixels(models, film):
    networks = {member: Network(models[member], bright) for member in ("teacher", "distilled")}
    found = explained(networks, film, "lime", LimeSettings(n_samples=64, n_segments=8, fill="black"))
    heat = found.heat("teacher", "Hernia")
    np.testing.assert_array_equal(heat, found.heat("distilled", "Hernia"))
    assert heat[:, :12].mean() > 5 * abs(heat[:, 20:].mean())
    equal = found.agreement("distilled", "Hernia")
    assert equal.spearman == pytest.approx(equal.ceiling_spearman, nan_ok=True)
    assert equal.spearman > 0.3
    assert found.agreement("teacher", "Hernia") is None
    assert found.fit("teacher", "Hernia") == pytest.approx(found.maps.r2["teacher"][2])


def test_lime_asks_the_network_itself_where_there_is_no_engine(models, networks, film):
    settings = LimeSettings(n_samples=16, n_segments=4)
    (eager,) = explain({"alone": networks["alone"]}, film[None], "lime", settings)
    with torch.inference_mode():
        expected = models["alone"](torch.from_numpy(film)[None, None])[0]
    np.testing.assert_allclose(eager.maps.logits["alone"], expected, atol=1e-5)


def test_steps_of_lime_are_shared_by_weights_and_settings_alone(models, film):
    keys = []

    def watched(steps):
        keys[-1].update(step.key for step in steps)
        return in_turn(steps)

    one, same, other = (Network(models["alone"], bright, key) for key in ("a", "a", "b"))
    for network, seed in ((one, 0), (same, 0), (other, 0), (one, 1)):
        keys.append(set())
        settings = LimeSettings(n_samples=16, n_segments=4, seed=seed)
        explain({"alone": network}, film[None], "lime", settings, steps=watched)
    assert keys[0] == keys[1]
    assert not keys[0] & keys[2]
    assert not keys[0] & keys[3]


def test_explanations_survive_json(networks, film):
    maps = explained(networks, film).to_dict("Mass")
    settings = LimeSettings(n_samples=32, n_segments=6)
    (lime,) = explain({"teacher": networks["teacher"]}, film[None], "lime", settings)
    found = json.loads(json.dumps([maps, lime.to_dict("Edema")], allow_nan=False))
    assert np.shape(found[0]["members"]["alone"]["cam"]) == (1, 1)
    assert set(found[0]["members"]["alone"]) == {"prob", "agreement_with_teacher", "cam"}
    assert set(found[0]) == {"method", "label", "members"}
    assert len(found[1]["members"]["teacher"]["weights"]) == found[1]["n_segments"]
    assert set(found[1]) == {
        *("method", "label", "members", "n_samples", "most_samples", "target_stability", "n_segments"),
        *("fill", "space", "seed"),
    }
    assert set(found[1]["members"]["teacher"]) == {
        *("prob", "agreement_with_teacher", "weights", "r2", "stability", "n_samples"),
    }


def test_strong_evidence_is_known_where_the_maps_are_of_the_kind_that_is_kept(networks, film):
    kept = {"alone": Reference(np.ones((2, 3, 1, 1)), np.ones((2, 3, 1, 1)), np.array([0.5, 0.0, 2.0]))}
    (cam,) = explain(networks, film[None], "gradcam", None, kept)
    assert strong_evidence(cam, "Mass") == {"alone": 0.5}
    assert strong_evidence(cam, "Edema") == {}, "zero is no scale"
    (lime,) = explain(networks, film[None], "lime", LimeSettings(n_samples=16, n_segments=4), kept)
    assert strong_evidence(lime, "Mass") == {}, "kept are Grad-CAMs, whose units are others"


def test_evidence_outside_the_body_is_weighed_member_by_member(networks, film):
    def halves(networks, films, settings, steps):
        left = np.zeros((3, 4, 4), np.float32)
        left[:, :, :2] = 1
        maps = {"teacher": left, "alone": left[..., ::-1].copy(), "distilled": -left}
        return [GridMaps({name: np.zeros(3, np.float32) for name in networks}, maps) for _ in films]

    entry = Explainer(name="halves", title="Halves", sentence="Halves.", needs=(GRADIENTS,), explain=halves)
    with EXPLAINERS.adding(entry):
        (found,) = explain(networks, film[None], "halves")
    body = np.zeros((4, 4), bool)
    body[:, :2] = True
    share = outside(found, "Mass", body)
    assert (share["teacher"], share["alone"]) == (0, 1)
    assert np.isnan(share["distilled"])
