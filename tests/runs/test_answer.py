import json

import numpy as np
import pytest
import torch

from cxrkd.answers import explanation
from cxrkd.errors import ConfigError
from cxrkd.explain import agreement, baselines
from cxrkd.explain.cam import CAM_METHODS, grad_cam
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


@pytest.mark.parametrize("method", CAM_METHODS)
def test_maps_are_those_of_grad_cam(models, film, method):
    x = torch.from_numpy(film)[None, None]
    found = explanation.explain_cams(models, film, method)
    for member, model in models.items():
        np.testing.assert_array_equal(found.heat(member, "Edema"), grad_cam(model, x, method).cams[1])
    assert (found.method, found.labels) == (method, LABELS)


def test_agreement_of_each_student_has_its_own_chance_line(models, film):
    x = torch.from_numpy(film)[None, None]
    found = explanation.explain_cams(models, film)
    lines = baselines(models["teacher"], models["distilled"], x)
    cams = [grad_cam(models[member], x).cams for member in ("teacher", "distilled")]
    told, expected = found.agreement("distilled", "Hernia").to_dict(), agreement(*cams, 2, lines).to_dict()
    assert json.dumps(told) == json.dumps(expected)
    assert found.agreement("teacher", "Hernia") is None


def test_without_a_teacher_there_is_no_agreement(models, film):
    found = explanation.explain_cams({"alone": models["alone"]}, film)
    assert found.agreement("alone", "Mass") is None
    assert found.to_dict("Mass")["members"]["alone"]["agreement_with_teacher"] is None


def test_networks_of_different_labels_are_not_compared(models, film):
    stranger = build("resnet18", ["Mass"], 32).eval()
    with pytest.raises(ConfigError, match="same labels"):
        explanation.explain_cams({"teacher": models["teacher"], "alone": stranger}, film)


class Bright:
    """Logit k is the mean of the image's left half times k: LIME must find the left half and nothing else."""

    name = "bright"

    def predict(self, x):
        left = x[:, 0, :, : x.shape[-1] // 2].mean((1, 2))
        return np.stack([left * k for k in range(3)], 1).astype(np.float32)


def test_lime_of_all_members_shares_its_superpixels(film):
    engines = {"teacher": Bright(), "distilled": Bright()}
    told = []
    found = explanation.explain_lime(
        engines, LABELS, film, n_samples=64, n_segments=8, fill="black", progress=lambda *a: told.append(a)
    )
    heat = found.heat("teacher", "Hernia")
    np.testing.assert_array_equal(heat, found.heat("distilled", "Hernia"))
    assert heat[:, :12].mean() > 5 * abs(heat[:, 20:].mean())
    equal = found.agreement("distilled", "Hernia")
    assert equal.spearman == pytest.approx(equal.ceiling_spearman, nan_ok=True)
    assert equal.spearman > 0.3
    assert found.agreement("teacher", "Hernia") is None
    assert told[-1] == (64, 64)


def test_explanations_survive_json(models, film):
    cams = explanation.explain_cams(models, film).to_dict("Mass")
    lime = explanation.explain_lime({"teacher": Bright()}, LABELS, film, n_samples=32, n_segments=6).to_dict("Edema")
    found = json.loads(json.dumps([cams, lime], allow_nan=False))
    assert np.shape(found[0]["members"]["alone"]["cam"]) == (1, 1)
    assert len(found[1]["members"]["teacher"]["weights"]) == found[1]["n_segments"]
    assert found[1]["n_samples"] == 32
